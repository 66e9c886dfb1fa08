/**
 * Measure the page in Chromium: `node measure.mjs JSON` prints one JSON object of samples.
 *
 * The argument: {site, firestore, project, view, repeats}. CHROMIUM names the browser.
 */
import { chromium } from "playwright-core";
import { Game } from "./game.mjs";
import { sleep, Wire } from "./wire.mjs";

const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"];
const PHONE = { width: 390, height: 844 };
const SLOW = { latencyMs: 150, bytesPerSecond: 200_000 };
const CPU_SLOWER = 4;
const PAINTS = 100;
const CONTEXTS = 10;
const WATCHERS_PER_CONTEXT = 3; // the browser opens six connections to a host, and each watcher holds one open
const CHANGES = 50;
const CHANGE_MS = 200;
const IDLE_MS = 10_000;
const PATIENCE_MS = 60_000;

const { site, firestore, project, view, repeats } = JSON.parse(process.argv[2]);
const { guest_key: guestKey } = await (await fetch(`${site}/config.json`)).json();
const mesh = await openGame();
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: FLAGS });
const game = new Game(firestore, project, mesh, view);

/** A game that anybody may watch; the id of its mesh. */
async function openGame() {
  const headers = { Authorization: `Bearer ${guestKey}`, "Content-Type": "application/json" };
  const answer = await fetch(`${site}/api/v1/games`, { method: "POST", headers, body: '{"seats": 30}' });
  if (!answer.ok) throw new Error(`no game could be opened: ${await answer.text()}`);
  return (await answer.json()).mesh_id;
}

async function withContext(options, work) {
  const wire = new Wire(options);
  const context = await browser.newContext({ viewport: PHONE, proxy: await wire.start() });
  context.setDefaultTimeout(PATIENCE_MS);
  try {
    return await work(await context.newPage(), wire);
  } finally {
    await context.close();
    wire.stop();
  }
}

/** From nothing to the table on the screen, in a browser that has never been here. */
function firstView(network, slower) {
  return withContext(network, async (page, wire) => {
    const devtools = await page.context().newCDPSession(page);
    await devtools.send("Emulation.setCPUThrottlingRate", { rate: slower });
    await page.addInitScript(() => {
      const look = () => {
        if (window.viewAt === undefined && document.querySelector(".choice, .seat")) window.viewAt = performance.now();
      };
      new MutationObserver(look).observe(document, { childList: true, subtree: true });
    });
    await page.goto(`${site}/#/watch/${mesh}`, { waitUntil: "commit" });
    await page.waitForFunction(() => window.viewAt !== undefined);
    const { requests, bytes } = wire;
    const found = await page.evaluate(() => {
      const [paint] = performance.getEntriesByName("first-contentful-paint");
      return { first_paint_ms: paint.startTime, first_view_ms: window.viewAt };
    });
    return { ...found, requests, kilobytes: bytes / 1000 };
  });
}

/** In the worker: when a view leaves it, in the very call of the SDK that brought it; and a message about nothing, to compare. */
const STAMPED = `{
  const post = self.postMessage.bind(self);
  const now = () => performance.timeOrigin + performance.now();
  self.postMessage = (message) => post(message.type === "view" ? { ...message, stampedAt: now() } : message);
  self.addEventListener("message", (event) => {
    if (event.data !== "nothing") return;
    event.stopImmediatePropagation();
    post({ type: "nothing", stampedAt: now() });
  });
}
`;

/** In the page: when the frame is over that follows a stamped message. */
function painting() {
  window.painted = { view: [], nothing: [] };
  window.Worker = class extends Worker {
    constructor(...how) {
      super(...how);
      window.agentWorker = this;
      this.addEventListener("message", ({ data: { type, stampedAt } }) => {
        if (stampedAt === undefined) return;
        requestAnimationFrame(() => {
          const { port1, port2 } = new MessageChannel();
          port1.onmessage = () => window.painted[type].push(performance.timeOrigin + performance.now() - stampedAt);
          port2.postMessage(null);
        });
      });
    }
  };
}

/** Snapshot to paint, and nothing to paint, in turns. */
function paints() {
  return withContext({ before: { "/assets/worker-": STAMPED } }, async (page) => {
    await page.addInitScript(painting);
    await page.goto(`${site}/#/watch/${mesh}`);
    await page.locator(".choice, .seat").first().waitFor();
    const count = (type) => page.evaluate((each) => window.painted[each].length, type);
    const grown = (type, from) =>
      page.waitForFunction(([each, before]) => window.painted[each].length > before, [type, from], { polling: 20 });
    for (let turn = 0; turn < PAINTS; turn += 1) {
      const [views, nothings] = [await count("view"), await count("nothing")];
      await game.change();
      await grown("view", views);
      await page.evaluate(() => window.agentWorker.postMessage("nothing"));
      await grown("nothing", nothings);
    }
    return page.evaluate(() => window.painted);
  });
}

/** Thirty who watch one game, each with a worker and an SDK of its own, without a picture. */
async function watchers() {
  const devtools = await browser.newBrowserCDPSession();
  const used = async () => {
    const { processInfo } = await devtools.send("SystemInfo.getProcessInfo");
    return processInfo.reduce((sum, { cpuTime }) => sum + cpuTime * 1000, 0);
  };
  const opened = [];
  const all = (name) => opened.reduce((sum, { wire }) => sum + wire[name], 0);
  const until = (index) => Promise.all(opened.map(({ page }) => page.waitForFunction((at) => window.seen() >= at, index)));
  try {
    for (let each = 0; each < CONTEXTS; each += 1) opened.push(await watching());
    await until(1);
    const [targets, begun] = [all("targets"), all("documents")];
    const idleFrom = await used();
    await sleep(IDLE_MS);
    const busyFrom = await used();
    let last = 0;
    for (let change = 0; change < CHANGES; change += 1) {
      [last] = await Promise.all([game.change(), sleep(CHANGE_MS)]);
    }
    await until(last);
    const idle = (busyFrom - idleFrom) / IDLE_MS;
    const busyMs = (await used()) - busyFrom - idle * CHANGES * CHANGE_MS;
    const watched = CONTEXTS * WATCHERS_PER_CONTEXT;
    return {
      watchers: watched,
      changes: CHANGES,
      targets,
      reads_to_begin: begun,
      reads: all("documents") - begun, // none has another cause: nobody runs this game
      idle_core_percent: idle * 100,
      processor_ms: busyMs / CHANGES / watched,
    };
  } finally {
    for (const { page, wire } of opened) {
      await page.context().close();
      wire.stop();
    }
  }
}

async function watching() {
  const wire = new Wire();
  const context = await browser.newContext({ proxy: await wire.start() });
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  await page.goto(`${site}/agent.js`);
  const how = [mesh, guestKey, WATCHERS_PER_CONTEXT];
  await page.evaluate(async ([game, guest, count]) => {
    const { Spectator } = await import("/agent.js");
    const agents = Array.from({ length: count }, () => new Spectator({ mesh: game, key: guest }));
    for (const agent of agents) agent.start();
    window.seen = () => Math.min(...agents.map((agent) => agent.view("public")?.applied_index ?? 0));
  }, how);
  return { page, wire };
}

await game.change();
await firstView({}, 1); // what answers the first time only is warm now
const slow = [];
const free = [];
for (let turn = 0; turn < repeats; turn += 1) {
  slow.push(await firstView(SLOW, CPU_SLOWER));
  free.push(await firstView({}, 1));
}
const found = { slow, free, painted: await paints(), watched: await watchers() };
await browser.close();
process.stdout.write(JSON.stringify(found), () => process.exit()); // whatever connection is still open
