/** The entry of the console. */

import "./styles/console.css";
import { Console } from "./console.ts";
import { controlApi } from "./control.ts";
import { findLocalStack } from "./local_stack.ts";
import { workerLine } from "./mesh_line.ts";
import type { Page } from "./mesh_watch.ts";
import type { Moment, Recorded } from "./recorded.ts";

/** Set by the build. */
declare const DEVELOPMENT: boolean;
declare const OPERATOR_WORKER_URL: string;

/** Reading the property alone throws where storage is refused. */
function storage(): Storage | null {
  try {
    return window.sessionStorage;
  } catch {
    return null;
  }
}

async function recorded(name: string, page: Page): Promise<Recorded | null> {
  if (!DEVELOPMENT) return null;
  const { recordedMoment } = await import("./recorded.ts");
  const answer = await fetch(`/console-fixtures/${encodeURIComponent(name)}.json`);
  return answer.ok ? recordedMoment((await answer.json()) as Moment, page) : null;
}

const root = document.getElementById("app");
if (root === null) throw new Error("index.html has no #app");
const send: typeof fetch = (...call) => fetch(...call);
void new Console({
  window,
  root,
  control: (key) => controlApi("/api/v1", key, send),
  openLine: workerLine(() => new Worker(OPERATOR_WORKER_URL, { type: "module" })),
  localStack: () => findLocalStack(send),
  storage: storage(),
  recorded,
}).start();
