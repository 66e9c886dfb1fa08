/**
 * Drives Chromium for tests in Python: a JSON object per line in, one out. {tab, do, ...} -> {value} or {error}
 *
 *   open   url, profile     a new tab at an address
 *   run    script           the value of an async function's body in the tab
 *   reload, close           the tab
 *   offline  yes            cut all tabs off, or let them back
 *
 * Tabs of one profile share what the browser keeps, as the tabs of one person do.
 */
import { createServer, request } from "node:http";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"];

/**
 * All of the browser's traffic goes through here. Cut, it is a network that is gone: for workers and open streams, too, which
 * the browser's own switch leaves alone.
 */
let isCut = false;
const open = new Set();
const wire = createServer((asked, answer) => {
  const onward = request(asked.url, { method: asked.method, headers: asked.headers }, (answered) => {
    answer.writeHead(answered.statusCode, answered.headers);
    answered.pipe(answer);
  });
  onward.on("error", () => answer.destroy());
  answer.on("close", () => onward.destroy());
  asked.pipe(onward);
});
wire.on("connection", (socket) => {
  if (isCut) return socket.destroy();
  open.add(socket.on("error", () => undefined));
  socket.on("close", () => open.delete(socket));
});
await new Promise((resolve) => wire.listen(0, "127.0.0.1", resolve));

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  proxy: { server: `http://127.0.0.1:${wire.address().port}`, bypass: "<-loopback>" },
  args: [...FLAGS, "--disable-component-update", "--disable-sync"],
});
const profiles = new Map();
const tabs = new Map();

async function profileOf(name) {
  if (!profiles.has(name)) profiles.set(name, await browser.newContext({ viewport: { width: 390, height: 844 } }));
  return profiles.get(name);
}

const deeds = {
  async open({ tab, url, profile }) {
    const page = await (await profileOf(profile)).newPage();
    page.on("console", (message) => console.error(`${tab}: ${message.type()} ${message.text()}`));
    page.on("pageerror", (error) => console.error(`${tab}: ${error.message}`));
    tabs.set(tab, page);
    await page.goto(url);
  },
  run: ({ tab, script }) => tabs.get(tab).evaluate(`(async () => { ${script} })()`),
  reload: ({ tab }) => tabs.get(tab).reload().then(() => null),
  close: ({ tab }) => tabs.get(tab).close(),
  offline({ yes }) {
    isCut = yes;
    if (yes) for (const socket of open) socket.destroy();
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const wanted = JSON.parse(line);
  let answer;
  try {
    answer = { value: (await deeds[wanted.do](wanted)) ?? null };
  } catch (error) {
    answer = { error: error.message };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await browser.close();
wire.close();
wire.closeAllConnections();
