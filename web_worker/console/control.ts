/** The control plane as the console calls it, with the operator's key. Described in docs/api.md. */

import { LOG_LINES_MAX } from "../agent/generated/constants.ts";
import type {
  LogPage,
  MeshPage,
  OrderGiven,
  Problem,
  RemovalOrdered,
  Secrets,
  WatchingMesh,
} from "../agent/generated/types.ts";

/** A call that was refused, or got no answer: then `code` is "offline". `text` is for people. */
export class ControlError extends Error {
  constructor(
    readonly code: string,
    readonly text: string,
  ) {
    super(text);
    this.name = "ControlError";
  }

  /** Whether the same call would be refused again, and each time be written to the audit trail. */
  get isFinal(): boolean {
    return ["unauthenticated", "permission-denied", "not-found"].includes(this.code);
  }
}

export interface Control {
  /** A page of the meshes in the key's scope, from an id on. */
  listMeshes(start: string): Promise<MeshPage>;
  /** A token with which the console's worker listens. */
  watchMesh(mesh: string): Promise<WatchingMesh>;
  /** Entries from an index on; from 0, the newest. */
  readLog(mesh: string, start: number): Promise<LogPage>;
  /** What every player knows; recorded in the audit trail, whether it is allowed or not. */
  readSecrets(mesh: string): Promise<Secrets>;
  transfer(mesh: string, to: string): Promise<OrderGiven>;
  drain(mesh: string): Promise<OrderGiven>;
  close(mesh: string): Promise<OrderGiven>;
  terminate(mesh: string, agent: string): Promise<RemovalOrdered>;
}

const TIMEOUT_MS = 20_000;
const MESHES_LISTED = 50;

/** The calls over HTTP. `base` ends with `/v1`; `send` is the browser's fetch. */
export function controlApi(base: string, key: string, send: typeof fetch): Control {
  const call = async <Answer>(method: string, path: string, body: object | null = null): Promise<Answer> => {
    const headers = { "X-API-Key": key, ...(body === null ? {} : { "Content-Type": "application/json" }) };
    const content = body === null ? {} : { body: JSON.stringify(body) };
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const answer = await send(base + path, { method, headers, signal, ...content }).catch(() => {
      throw new ControlError("offline", "The control plane does not answer. Look at the connection, then try again.");
    });
    const document: unknown = await answer.json().catch(() => ({}));
    if (answer.ok) return document as Answer;
    throw refusal(document as Partial<Problem>);
  };
  const of = (mesh: string) => `/meshes/${encodeURIComponent(mesh)}`;
  return {
    listMeshes: (start) => call("GET", `/meshes?limit=${MESHES_LISTED}&start=${encodeURIComponent(start)}`),
    watchMesh: (mesh) => call("POST", `${of(mesh)}/watchers`),
    readLog: (mesh, start) => call("GET", `${of(mesh)}/log?start=${start}&limit=${LOG_LINES_MAX}`),
    readSecrets: (mesh) => call("GET", `${of(mesh)}/secrets`),
    transfer: (mesh, to) => call("POST", `${of(mesh)}/transfer`, { to }),
    drain: (mesh) => call("POST", `${of(mesh)}/drain`),
    close: (mesh) => call("POST", `${of(mesh)}/close`),
    terminate: (mesh, agent) => call("DELETE", `${of(mesh)}/agents/${encodeURIComponent(agent)}`),
  };
}

function refusal({ code = "internal", detail = "" }: Partial<Problem>): ControlError {
  const because = detail === "" ? "" : ` (${detail})`;
  if (code === "unauthenticated") return new ControlError(code, `This key opens nothing here${because}.`);
  if (code === "permission-denied") return new ControlError(code, `This key may not do that${because}.`);
  if (code === "not-found") return new ControlError(code, detail === "" ? "That is not there." : `Not found: ${detail}.`);
  return new ControlError(code, detail === "" ? "The control plane has made a mistake. Its log knows more." : detail);
}
