/**
 * Build the site into web_worker/dist: node web_worker/build.mjs [--development] [--out FOLDER]
 *
 * Every script and style gets a name made of its content, so browsers may keep it for ever; index.html alone is asked for anew.
 * The agent's worker is built first, because the page has to know its name. `--development` keeps names and lines
 * readable, and sets DEVELOPMENT, which is false and thus cut away otherwise.
 */
import { build } from "esbuild";
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const HERE = dirname(fileURLToPath(import.meta.url));
const OUT = process.argv.indexOf("--out");
const DIST = OUT < 0 ? join(HERE, "dist") : resolve(process.argv[OUT + 1]);
const DRAFT = OUT < 0 ? join(HERE, `.dist-${process.pid}`) : `${DIST}-${process.pid}`;
const DEVELOPMENT = process.argv.includes("--development");

/** The pages: a folder each, with an index.html that names its script and style by their source, and where it is served. */
const PAGES = [
  { folder: "page", html: "index.html" },
  { folder: "console", html: "console/index.html" },
];

const OPTIONS = {
  bundle: true,
  format: "esm",
  target: "es2022",
  minify: !DEVELOPMENT,
  sourcemap: DEVELOPMENT ? "linked" : false,
  legalComments: "none",
  metafile: true,
  entryNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  outdir: join(DRAFT, "assets"),
  logLevel: "warning",
};

/** Bundle one entry; the addresses of its script and, if it has one, its style. */
async function bundle(entry, define = {}) {
  const made = await build({
    ...OPTIONS,
    entryPoints: [join(HERE, entry)],
    define: { DEVELOPMENT: String(DEVELOPMENT), ...define },
  });
  const names = Object.keys(made.metafile.outputs).filter((path) => !path.endsWith(".map"));
  for (const name of names) {
    const packed = gzipSync(readFileSync(name)).length;
    console.log(`  ${relative(DRAFT, name).padEnd(36)} ${(packed / 1000).toFixed(1).padStart(7)} kB gzip`);
  }
  const address = (suffix) => names.filter((name) => name.endsWith(suffix)).map((name) => `/assets/${basename(name)}`)[0];
  return { script: address(".js"), style: address(".css") };
}

/** What another app imports: `import { WorkerAgent } from "/agent.js"`. It finds the worker by itself. */
async function library(worker) {
  const define = { AGENT_WORKER_URL: JSON.stringify(worker) };
  await build({ ...OPTIONS, entryPoints: [join(HERE, "agent/agent.ts")], define, entryNames: "agent", outdir: DRAFT });
}

async function main() {
  rmSync(DRAFT, { recursive: true, force: true });
  mkdirSync(DRAFT, { recursive: true });
  if (existsSync(join(HERE, "public"))) cpSync(join(HERE, "public"), DRAFT, { recursive: true });
  const worker = await bundle("agent/worker.ts");
  const operator = await bundle("agent/operator_worker.ts");
  const workers = {
    AGENT_WORKER_URL: JSON.stringify(worker.script),
    OPERATOR_WORKER_URL: JSON.stringify(operator.script),
  };
  await library(worker.script);
  for (const { folder, html } of PAGES) {
    let text = readFileSync(join(HERE, folder, "index.html"), "utf8");
    const named = text.match(/src="\/?([\w.-]+\.ts)"/);
    if (named) {
      const { script, style } = await bundle(`${folder}/${named[1]}`, workers);
      text = text.replace(named[0], `src="${script}"`);
      if (style) text = text.replace("</head>", `  <link rel="stylesheet" href="${style}" />\n  </head>`);
    }
    mkdirSync(dirname(join(DRAFT, html)), { recursive: true });
    writeFileSync(join(DRAFT, html), text);
  }
  // One site is replaced by the other as a whole: nobody is served half of one.
  rmSync(DIST, { recursive: true, force: true });
  renameSync(DRAFT, DIST);
}

try {
  await main();
} catch (error) {
  rmSync(DRAFT, { recursive: true, force: true });
  console.error(`The site was not built: ${error.message}`);
  process.exit(1);
}
