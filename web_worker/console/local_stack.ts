/** What a local stack offers besides, as its site's config.json says: a meter, a way to kill who leads, a key. Nowhere else. */

import { ControlError } from "./control.ts";
import type { Operations } from "./costs.ts";

/** What the meter of the stack has counted: of all who pass it, which browsers do not. */
export interface Bill extends Operations {
  readonly dollars: number;
}

export interface LocalStack {
  /** A key with which its console operates. */
  readonly key: string;
  readBill(): Promise<Bill>;
  /** Kill the process of whoever leads a mesh by SIGKILL; gives who led. */
  killLeader(mesh: string): Promise<string>;
}

type Desk = { readonly url: string; readonly secret: string; readonly key: string };

const TIMEOUT_MS = 5000;

/** The stack that serves this site; null where none does. */
export async function findLocalStack(send: typeof fetch): Promise<LocalStack | null> {
  const config = (await send("/config.json", { signal: AbortSignal.timeout(TIMEOUT_MS) })
    .then((answer) => answer.json())
    .catch(() => ({}))) as { readonly desk?: Desk | null };
  const desk = config.desk ?? null;
  if (desk === null) return null;
  const call = async <Answer>(method: string, path: string): Promise<Answer> => {
    const headers = { "X-Firemesh-Desk": desk.secret };
    const answer = await send(desk.url + path, { method, headers, signal: AbortSignal.timeout(TIMEOUT_MS) }).catch(() => {
      throw new ControlError("offline", "The local stack does not answer any more: its demo is over.");
    });
    const document = (await answer.json().catch(() => ({}))) as { readonly error?: string };
    if (!answer.ok) throw new ControlError("unavailable", `The local stack would not: ${document.error ?? answer.status}.`);
    return document as Answer;
  };
  return {
    key: desk.key,
    readBill: () => call("GET", "/bill"),
    killLeader: async (mesh) => {
      return (await call<{ readonly killed: string }>("POST", `/meshes/${encodeURIComponent(mesh)}/kill-leader`)).killed;
    },
  };
}
