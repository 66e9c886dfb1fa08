/** News of one mesh, by way of the console's worker: the page itself holds no SDK. */

import type { OperatorNews, ToOperatorWorker } from "../agent/operator_protocol.ts";

export interface MeshLine {
  /** Nothing is told any more. */
  close(): void;
}

export type OpenLine = (mesh: string, customToken: string, tell: (news: OperatorNews) => void) => MeshLine;

/** Listen through a worker of its own. A worker that breaks ends the line. */
export function workerLine(open: () => Worker): OpenLine {
  return (mesh, customToken, tell) => {
    const worker = open();
    worker.addEventListener("message", ({ data }: MessageEvent<OperatorNews>) => tell(data));
    worker.addEventListener("error", () => tell({ type: "line", state: "ENDED" }));
    worker.postMessage({ mesh, customToken } satisfies ToOperatorWorker);
    return { close: () => worker.terminate() };
  };
}
