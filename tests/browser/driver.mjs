/**
 * Drives Chromium for tests in Python: a JSON object per line in, one out. {number, do, ...} -> {number, value} or {number, error}
 *
 *   open     tab, url, profile, first   a new tab at an address; `first` runs in it before the page does
 *   run      tab, script                the value of an async function's body in the tab
 *   reload   tab
 *   close    tab
 *   offline  yes, profile               cut a profile's tabs off, or let them back
 *   spoil    profile, path, script       put a script before the programs that a profile's tabs load from such a path
 *   keep     profile                    keep from now on what the network brings to its tabs
 *   kept     profile                    that, as {url, text} of each answer
 *   end                                 all profiles
 *
 * Tabs of one profile share what the browser keeps and a network, as the tabs of one person do.
 */
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";
import { Wire } from "./wire.mjs";

const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"];
const PHONE = { width: 390, height: 844 };
/** A machine that is busy with other tests may take its time. */
const PATIENCE_MS = 120_000;

const browser = await chromium.launch({
  timeout: PATIENCE_MS,
  executablePath: process.env.CHROMIUM,
  args: [...FLAGS, "--disable-component-update", "--disable-sync"],
});
const profiles = new Map();
const tabs = new Map();

async function profileOf(name) {
  const found = profiles.get(name);
  if (found !== undefined) return found;
  const wire = new Wire();
  const proxy = { server: await wire.start(), bypass: "<-loopback>" };
  const profile = { wire, context: await browser.newContext({ viewport: PHONE, proxy }) };
  profile.context.setDefaultTimeout(PATIENCE_MS);
  profiles.set(name, profile);
  return profile;
}

const deeds = {
  async open({ tab, url, profile, first }) {
    const page = await (await profileOf(profile)).context.newPage();
    page.on("console", (message) => console.error(`${tab}: ${message.type()} ${message.text()}`));
    page.on("pageerror", (error) => console.error(`${tab}: ${error.message}`));
    tabs.set(tab, page);
    if (first) await page.addInitScript(first);
    await page.goto(url);
  },
  run: ({ tab, script }) => tabs.get(tab).evaluate(`(async () => { ${script} })()`),
  reload: ({ tab }) => tabs.get(tab).reload().then(() => null),
  close: ({ tab }) => tabs.get(tab).close(),
  offline: async ({ yes, profile }) => (await profileOf(profile)).wire.cut(yes),
  spoil: async ({ profile, path, script }) => (await profileOf(profile)).wire.spoil(path, script),
  keep: async ({ profile }) => (await profileOf(profile)).wire.keep(),
  kept: async ({ profile }) => (await profileOf(profile)).wire.kept,
  async end() {
    for (const { wire, context } of profiles.values()) {
      await context.close();
      wire.stop();
    }
    profiles.clear();
    tabs.clear();
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
  process.stdout.write(`${JSON.stringify({ number: wanted.number, ...answer })}\n`);
}
await deeds.end();
await browser.close();
