/**
 * Plays seats of a game in a real Chromium, each in a profile of its own, by touching what a person would touch.
 *
 * Reads one line, JSON: {chromium, journal, seats: [{mesh, agent, name, link}]}. Writes to `journal` what each page's own
 * record says is surely in the inbox: {agent_id, inc, seq} a line. Says `ready` when all sit, and ends with its standard input.
 */
import { appendFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"];
const LOOK_MS = 400;
/** Who waits for the pages ends this program when it has lost patience. */
const PATIENCE_MS = 180_000;

/** In the page: take the seat under this name, as soon as the page asks for one. Whether the player sits. */
function sit(name) {
  const field = document.querySelector("#name");
  if (field !== null && field.value === "") {
    field.value = name;
    field.form.requestSubmit();
  }
  const seated = [...document.querySelectorAll(".seat .name")].some((each) => each.textContent === name);
  return seated || document.querySelector("#phase")?.textContent === "The deal";
}

/** In the page: who may choose and has not, chooses the first name; where there is none to choose, the town is talked to, once. */
function play() {
  const choices = [...document.querySelectorAll("button.choice")];
  if (!choices.some((choice) => choice.getAttribute("aria-pressed") === "true")) choices[0]?.click();
  const title = document.querySelector("#phase")?.textContent ?? "";
  const form = document.querySelector(".channel-town form.compose");
  if (form === null || choices.length > 0 || window.spokeIn === title) return;
  window.spokeIn = title;
  form.elements.namedItem("text").value = "I have no idea who it is. I only click.";
  form.requestSubmit();
}

/** In the page: the run and the number of its last command that is surely in the inbox, as its agent's worker keeps them. */
async function record(key) {
  const found = (request) =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  const database = await found(indexedDB.open("firemesh"));
  try {
    const stored = await found(database.transaction("agents").objectStore("agents").get(key));
    return { inc: stored?.memory.run?.inc ?? "", sent: stored?.memory.sent ?? 0 };
  } finally {
    database.close();
  }
}

async function until(holds) {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
}

/** Write down what has been sent since it was last asked. */
function journalist(page, { mesh, agent }, journal) {
  const written = new Map();
  return async () => {
    const { inc, sent } = await page.evaluate(record, `${mesh}/${agent}`);
    for (let seq = (written.get(inc) ?? 0) + 1; seq <= sent; seq++) {
      appendFileSync(journal, `${JSON.stringify({ agent_id: agent, inc, seq })}\n`);
      written.set(inc, seq);
    }
  };
}

const input = createInterface({ input: process.stdin });
let isOver = false;
input.on("close", () => (isOver = true));
const asked = JSON.parse(await new Promise((resolve) => input.once("line", resolve)));
const browser = await chromium.launch({
  executablePath: asked.chromium,
  timeout: PATIENCE_MS,
  args: [...FLAGS, "--disable-component-update", "--disable-sync"],
});

async function open(seat) {
  const context = await browser.newContext({ viewport: { width: 390, height: 844 }, reducedMotion: "reduce" });
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  page.on("pageerror", (error) => console.error(`${seat.agent}: ${error.message}`));
  page.on("console", (line) => console.error(`${seat.agent}: ${line.type()} ${line.text()}`));
  await page.goto(seat.link);
  await until(() => page.evaluate(sit, seat.name));
  return { page, write: journalist(page, seat, asked.journal) };
}

const players = await Promise.all(asked.seats.map(open));
process.stdout.write("ready\n");
await until(async () => {
  for (const { page, write } of isOver ? [] : players) {
    await page.evaluate(play);
    await write();
  }
  return isOver;
});
for (const { write } of players) await write();
await browser.close();
