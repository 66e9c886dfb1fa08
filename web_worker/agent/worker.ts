/** The entry of the agent's Web Worker. */

import type { ToPage } from "./protocol.ts";

self.addEventListener("message", () => {
  const status = { connection: "LOST", reason: "BROKEN", text: "Not built yet.", inc: "", unsent: 0, durable: false } as const;
  self.postMessage({ type: "status", status } satisfies ToPage);
});
