/** What the console and its worker tell each other. All times are the store's, in milliseconds. */

import type { AuditRecord } from "./generated/types.ts";

export type Topology = {
  readonly applied_index: number;
  readonly at_ms: number;
  readonly term: number;
  readonly leader: string;
  readonly status: "open" | "draining" | "closed";
  readonly voters: { readonly managers: readonly string[] };
  readonly members: { readonly [agent: string]: { readonly type: string; readonly process: string } };
};

/** The leader's opinion of every process but its own: "healthy" or "suspect". */
export type Health = { readonly applied_index: number; readonly processes: { readonly [process: string]: string } };

/** The latest sign of life of a process. `atMs`: when the store took it. */
export type BeatSeen = {
  readonly process: string;
  readonly inc: string;
  readonly seq: number;
  readonly intervalMs: number;
  readonly atMs: number;
  readonly agents: { readonly [agent: string]: string };
  /** The last entry that each manager of the process has applied. */
  readonly applied: { readonly [manager: string]: number };
  readonly lateness: number;
};

/** How the worker's connection is. ENDED is for good: the key was revoked or has expired, or may not listen. */
export type LineState = "CONNECTING" | "CONNECTED" | "SUSPENDED" | "ENDED";

export type OperatorNews =
  | { readonly type: "topology"; readonly topology: Topology }
  | { readonly type: "health"; readonly health: Health }
  /** The public view has changed: which entry of the log it follows from. What it shows is the game's. */
  | { readonly type: "public"; readonly appliedIndex: number; readonly atMs: number }
  /** All signs of life as they stand, at most LIVENESS_LISTENED_MAX. */
  | { readonly type: "beats"; readonly beats: readonly BeatSeen[] }
  /** The end of the audit trail, oldest first. */
  | { readonly type: "audit"; readonly records: readonly AuditRecord[] }
  | { readonly type: "line"; readonly state: LineState };

export type ToOperatorWorker = { readonly mesh: string; readonly customToken: string };
