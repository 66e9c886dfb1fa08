/** The entry of the agent's Web Worker: one agent, for as long as this worker holds the lock on its name. */

import type { AgentOptions, ToPage, ToWorker } from "./protocol.ts";
import { AgentRunner } from "./runner.ts";
import { sentence } from "./words.ts";

/**
 * The worker of a page that is being reloaded takes a moment to let go of its lock: look so often, so far apart. One timer for
 * all would run out while a machine stands still, and show another tab where there is none.
 */
const LOOKS_MAX = 20;
const LOOK_AGAIN_MS = 100;

const tell = (message: ToPage) => self.postMessage(message);
let runner: AgentRunner | null = null;
/** What the page says before the lock is held. */
const early: Exclude<ToWorker, { type: "start" }>[] = [];

self.addEventListener("message", ({ data }: MessageEvent<ToWorker>) => {
  if (data.type === "start") void start(data.options, data.takeOver);
  else if (runner === null) early.push(data);
  else runner.take(data);
});
self.addEventListener("offline", () => runner?.hear({ type: "offline" }));
self.addEventListener("online", () => runner?.hear({ type: "wake" }));

async function start(options: AgentOptions, takeOver: boolean): Promise<void> {
  if (options.ticket.kind === "watch") return run(options); // any number of tabs may watch
  if (!("locks" in navigator)) return run(options); // no locks without HTTPS; then IndexedDB alone keeps two tabs apart
  const name = `firemesh/${options.mesh}/${options.agent}`;
  try {
    if (takeOver) await navigator.locks.request(name, { steal: true }, () => run(options));
    else if (!(await runWhenFree(name, options))) tellOtherTab();
  } catch {
    // Another tab has taken the lock away.
    if (runner !== null) runner.hear({ type: "ousted" });
    else tellOtherTab();
  }
}

/** Run the agent as soon as no other worker holds its lock; false when one keeps it. */
async function runWhenFree(name: string, options: AgentOptions): Promise<boolean> {
  for (let looks = 0; looks < LOOKS_MAX; looks++) {
    const hasRun = await navigator.locks.request(name, { ifAvailable: true }, async (lock) => {
      if (lock !== null) await run(options);
      return lock !== null;
    });
    if (hasRun) return true;
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  }
  return false;
}

/** Run the agent; resolves when it has ended, which lets go of the lock. */
function run(options: AgentOptions): Promise<void> {
  return new Promise((ended) => {
    const started = new AgentRunner(options, tell, () => {
      ended();
      tell({ type: "ended" });
    });
    void started.start().then(() => {
      runner = started;
      for (const message of early.splice(0)) started.take(message);
    });
  });
}

function tellOtherTab(): void {
  const text = sentence("OTHER_TAB", "");
  tell({ type: "status", status: { connection: "LOST", reason: "OTHER_TAB", text, inc: "", unsent: 0, durable: true } });
  tell({ type: "ended" });
}
