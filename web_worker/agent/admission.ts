/** Asking the control plane to be admitted: with a key of one's own, or with a seat in an open game. */

import type { Admission, Problem, Watching } from "./generated/types.ts";
import type { AdmissionFailure, Admitted } from "./model.ts";
import type { AgentOptions } from "./protocol.ts";

const PATIENCE_MS = 15_000;

export type AdmissionAnswer =
  | { readonly admission: Admitted }
  | { readonly failure: AdmissionFailure; readonly text: string; readonly retryAfterMs: number };

const BY_ERROR: Readonly<Record<string, AdmissionFailure>> = {
  AgentIdInUse: "IN_USE",
  MeshClosed: "MESH_GONE",
  MeshDraining: "NO_PLACE",
  MeshFull: "NO_PLACE",
};
const BY_STATUS: Readonly<Record<number, AdmissionFailure>> = {
  401: "REFUSED",
  403: "REFUSED",
  404: "MESH_GONE",
  429: "UNAVAILABLE",
};

/** Ask once. Never rejects. */
export async function askAdmission(options: AgentOptions, request: typeof fetch = fetch): Promise<AdmissionAnswer> {
  const { path, body } = callFor(options);
  try {
    const answer = await request(`${options.site ?? ""}/api/v1${path}`, {
      method: "POST",
      headers: { Authorization: `Bearer ${options.ticket.key}`, "Content-Type": "application/json" },
      ...(body === null ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    if (!answer.ok) return await refusal(answer);
    if (options.ticket.kind !== "watch") return checked((await answer.json()) as Admission, options);
    const { custom_token } = (await answer.json()) as Watching;
    return { admission: { inc: "", process: "", custom_token } };
  } catch (error) {
    return { failure: "UNAVAILABLE", text: `The control plane does not answer: ${String(error)}`, retryAfterMs: 0 };
  }
}

function callFor({ mesh, agent, ticket }: AgentOptions): { path: string; body: object | null } {
  if (ticket.kind === "key") return { path: `/meshes/${encodeURIComponent(mesh)}/agents`, body: { agent_id: agent } };
  if (ticket.kind === "watch") return { path: `/games/${encodeURIComponent(mesh)}/watchers`, body: null };
  return { path: `/games/${encodeURIComponent(mesh)}/seats`, body: { session: ticket.session } };
}

function checked(admission: Admission, { mesh, agent }: AgentOptions): AdmissionAnswer {
  if (admission.mesh === mesh && admission.agent === agent) return { admission };
  const text = `Admitted was ${admission.agent} to ${admission.mesh}, not ${agent} to ${mesh}.`;
  return { failure: "BROKEN", text, retryAfterMs: 0 };
}

async function refusal(answer: Response): Promise<AdmissionAnswer> {
  const problem = (await answer.json().catch(() => ({}))) as Partial<Problem>;
  const unexplained = answer.status >= 500 ? "UNAVAILABLE" : "BROKEN";
  const failure = BY_ERROR[problem.error ?? ""] ?? BY_STATUS[answer.status] ?? unexplained;
  const seconds = Number(answer.headers.get("Retry-After") ?? 0);
  const retryAfterMs = Number.isFinite(seconds) ? seconds * 1000 : 0;
  return { failure, text: problem.detail ?? `The control plane answered ${answer.status}`, retryAfterMs };
}
