/**
 * Open every recorded moment in Chromium, at the size of a phone and of a desk, and say what is wrong with it, as JSON:
 *
 *     node tests/browser/page_fixtures.mjs SITE [--screenshots FOLDER] [--only NAME,NAME] [--sizes phone,desk] [--scheme dark]
 *
 * SITE is a development build of web_worker. It is served on 127.0.0.1 under the site's own security policy, and nothing
 * else can be reached. One row per moment and size: {screen, size, violations, errors}. CHROMIUM names the browser.
 */
import { createReadStream, existsSync, readFileSync, readdirSync, mkdirSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const FIXTURES = join(ROOT, "web_worker/page/fixtures");
const CONSOLE_FIXTURES = join(ROOT, "web_worker/console/fixtures");
const AXE = readFileSync(join(ROOT, "node_modules/axe-core/axe.min.js"), "utf8");
const SIZES = { phone: { width: 390, height: 844 }, narrow: { width: 320, height: 640 }, desk: { width: 1280, height: 800 } };
const TYPES = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".json": "application/json",
};
const { hosting } = JSON.parse(readFileSync(join(ROOT, "firebase.json"), "utf8"));
const { headers } = hosting.headers.find(({ source }) => source === "**");
const POLICY = headers.find(({ key }) => key === "Content-Security-Policy").value;
/** What a phone shows besides the stage. */
const TABS = {
  discussion: ["Talk", "You"],
  "discussion-dead": ["Talk"],
  "night-mafioso": ["Talk", "You"],
  "night-detective": ["You"],
};
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
/** A machine that is busy with other tests may take its time. */
const PATIENCE_MS = 120_000;
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"];
/** Nothing but this machine has an address. */
const ALONE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1";
const [site, ...options] = process.argv.slice(2);
const option = (name) => (options.includes(name) ? options[options.indexOf(name) + 1] : null);

function fileAt(path) {
  if (path.startsWith("/fixtures/")) return join(FIXTURES, path.slice(10));
  if (path.startsWith("/console-fixtures/")) return join(CONSOLE_FIXTURES, path.slice(18));
  return join(site, path.endsWith("/") ? `${path}index.html` : path);
}

/** Where a screen is, and what shows that it is drawn. */
function placeOf(screen) {
  if (screen === "home") return ["", "h1"];
  if (screen === "door") return ["#/game/km4t7q", "h1"];
  if (screen === "console-door") return ["console/", "h1"];
  if (screen.startsWith("console-")) return [`console/#/fixture/${screen.slice(8)}`, ".standing"];
  return [`#/fixture/${screen}`, "#phase"];
}

function serve() {
  const server = createServer((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url, "http://site").pathname));
    if (path === "/config.json") return void response.writeHead(200, { "Content-Type": "application/json" }).end("{}");
    const file = fileAt(path);
    if (!existsSync(file)) return void response.writeHead(404).end();
    response.writeHead(200, { "Content-Type": TYPES[extname(file)] ?? "text/plain", "Content-Security-Policy": POLICY });
    createReadStream(file).pipe(response);
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

const nextFrames = () => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));

/** Everything that is not as it should be on the page as it stands. */
async function judge(page, errors) {
  await page.evaluate(`${AXE};0`);
  const violations = await page.evaluate(async (runOnly) => {
    const found = await window.axe.run(document, { runOnly });
    const where = (nodes) => nodes.slice(0, 3).map(({ target, any }) => `${target} ${any[0]?.message ?? ""}`);
    return found.violations.map(({ id, help, nodes }) => `${id}: ${help}: ${where(nodes).join(" | ")}`);
  }, RULES);
  const isWide = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
  if (isWide) violations.push("the page is wider than the screen");
  return { violations, errors: errors.splice(0) };
}

async function main() {
  const server = await serve();
  const address = `http://127.0.0.1:${server.address().port}/`;
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM,
    timeout: PATIENCE_MS,
    args: [...FLAGS, ALONE],
  });
  const folder = option("--screenshots");
  if (folder) mkdirSync(folder, { recursive: true });
  const named = (folder) => readdirSync(folder).map((name) => name.replace(".json", ""));
  const moments = existsSync(join(site, "console")) ? named(CONSOLE_FIXTURES).map((name) => `console-${name}`) : [];
  const all = ["home", "door", "console-door", ...moments, ...named(FIXTURES)];
  const only = option("--only")?.split(",");
  const sizes = option("--sizes")?.split(",") ?? Object.keys(SIZES);
  const colorScheme = option("--scheme") ?? "light";
  const rows = [];
  try {
    for (const size of sizes) {
      const context = await browser.newContext({ viewport: SIZES[size], reducedMotion: "reduce", colorScheme });
      context.setDefaultTimeout(PATIENCE_MS);
      const page = await context.newPage();
      const errors = [];
      page.on("console", (message) => ["error", "warning"].includes(message.type()) && errors.push(message.text()));
      page.on("pageerror", (error) => errors.push(String(error)));
      for (const screen of all.filter((name) => !only || only.includes(name))) {
        const [place, drawn] = placeOf(screen);
        await page.goto("about:blank"); // another part after # alone would not load the page anew
        await page.goto(address + place);
        await page.locator(drawn).waitFor();
        const look = async (name) => {
          await page.evaluate(nextFrames); // what was touched is drawn with the next frame
          if (folder) await page.screenshot({ path: join(folder, `${name}-${size}.png`) });
          rows.push({ screen: name, size, ...(await judge(page, errors)) });
        };
        await look(screen);
        const card = page.getByRole("button", { name: "Show my role" });
        if (screen.startsWith("reveal") || (size === "desk" && screen in TABS && (await card.count()))) {
          await card.first().click();
          await look(`${screen}-card`);
        }
        if (moments.includes(screen)) {
          await page.getByRole("button", { name: "Close the mesh" }).click();
          await look(`${screen}-question`);
          await page.getByRole("button", { name: "Leave it as it is" }).click();
          await page.getByRole("button", { name: "Show every role" }).click();
          await page.getByRole("dialog").getByRole("button", { name: "Show every role" }).click();
          await page.getByRole("heading", { name: "Every role" }).waitFor();
          await look(`${screen}-secrets`);
        }
        if (size === "desk") continue;
        for (const tab of TABS[screen] ?? []) {
          await page.getByRole("navigation").getByRole("button", { name: tab }).click();
          await look(`${screen}-${tab.toLowerCase()}`);
        }
      }
      await context.close();
    }
  } finally {
    await browser.close();
    server.close();
  }
  console.log(JSON.stringify(rows));
}

await main();
