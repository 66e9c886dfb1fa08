/** The entry of the agent's Web Worker: one agent, for as long as this worker holds the lock on its name. */

import type { AgentOptions, ToPage, ToWorker } from "./protocol.ts";
import { AgentRunner } from "./runner.ts";
import { sentence } from "./words.ts";

/** How long the worker of a page that is being reloaded may take to let go. */
const LOCK_PATIENCE_MS = 2000;

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
  const how = takeOver ? { steal: true } : { signal: AbortSignal.timeout(LOCK_PATIENCE_MS) };
  try {
    await navigator.locks.request(name, how, () => run(options));
  } catch {
    // Either it was not to be had, or another tab has taken it away.
    if (runner !== null) runner.hear({ type: "ousted" });
    else tellOtherTab();
  }
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
