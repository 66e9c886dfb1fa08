/** The entry of the console's Web Worker: one mesh, listened to as its operator, until the page ends this worker. */

import { OperatorPort } from "./operator_port.ts";
import type { OperatorNews, ToOperatorWorker } from "./operator_protocol.ts";
import { findSite } from "./site.ts";

self.addEventListener("message", ({ data }: MessageEvent<ToOperatorWorker>) => {
  const port = new OperatorPort(() => findSite(""), data.mesh, (news: OperatorNews) => self.postMessage(news));
  void port.open(data.customToken);
});
