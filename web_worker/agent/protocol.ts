/** What the page and the worker say to each other, and what an app hears of its agent. Types alone; nothing here runs. */

import type { Admission } from "./generated/types.ts";

/** A JSON object, as commands, states and views carry it. */
export type JsonObject = { readonly [name: string]: unknown };

/** How an agent is let in. It is never stored by the SDK: the app gives it at every start. */
export type Ticket =
  /** An API key of a worker, or the key of this one agent. */
  | { readonly kind: "key"; readonly key: string }
  /**
   * A seat in an open game: the site's guest key and the `session` of the admission by which the seat was taken, which lets
   * the same agent in again at any time. Keep that session; the seat is its holder's. `agent` is that admission's.
   */
  | { readonly kind: "seat"; readonly key: string; readonly session: string; readonly admission?: Admission }
  /** The site's guest key, to watch an open game without a seat. */
  | { readonly kind: "watch"; readonly key: string };

/** How often the agent shows itself, in milliseconds; see `HeartbeatPolicy` in functions/firemesh/runtime/process.py. */
export type HeartbeatPolicy = {
  readonly activeMs: number;
  readonly idleMs: number;
  readonly idleAfterMs: number;
  readonly asleepMs: number;
  readonly asleepAfterMs: number;
};

/** Which agent to run, and how. `site` is where the REST interface and the Firebase configuration lie; "" is the page's own. */
export type AgentOptions = {
  readonly mesh: string;
  readonly agent: string;
  readonly ticket: Ticket;
  readonly site?: string;
  readonly heartbeat?: HeartbeatPolicy;
  /** Also listen to `views/topology`: who leads, who is in the mesh. */
  readonly topology?: boolean;
};

/**
 * How the agent stands to its mesh.
 *
 * `CONNECTING` until it is a member for the first time, `CONNECTED` while it hears the mesh, `SUSPENDED` while it does not and
 * goes on trying by itself, `LOST` when trying is no use: it has ended, and `start` may begin anew.
 */
export type Connection = "IDLE" | "CONNECTING" | "CONNECTED" | "SUSPENDED" | "LOST" | "STOPPED";

/** Why an agent is SUSPENDED. It comes back by itself. */
export type SuspendedReason =
  /** The network or Firestore does not answer. */
  | "NO_ANSWER"
  /** No manager has taken the agent in for a while. */
  | "NO_LEADER"
  /** An earlier run of this agent is silent, and the mesh has not judged it yet. */
  | "EARLIER_RUN"
  /** The mesh took the agent for dead; it asks to be let in again. */
  | "DECLARED_DEAD"
  /** The control plane does not let it in at the moment. */
  | "NOT_ADMITTED";

/** Why an agent is LOST. It does not come back by itself. */
export type LostReason =
  /** Another tab of this browser runs the agent: `start({ takeOver: true })` brings it here. */
  | "OTHER_TAB"
  /** Another device or program runs the agent. */
  | "TAKEN_OVER"
  /** The mesh or its operator has ended the agent's membership. */
  | "REMOVED"
  /** The mesh is over, or was deleted. */
  | "MESH_GONE"
  /** The mesh has no place for it: full, or letting nobody new in. */
  | "NO_PLACE"
  /** The key or the seat is unknown, expired or revoked. */
  | "TICKET_REFUSED"
  /** A mistake of this program or of its set-up. */
  | "BROKEN";

/** The agent's standing. `text` is a sentence for people; empty while all is well. */
export type AgentStatus = {
  readonly connection: Connection;
  readonly reason: SuspendedReason | LostReason | "";
  readonly text: string;
  /** Which run of the agent the mesh knows; empty before it was admitted. */
  readonly inc: string;
  /** Commands that are not surely in the mesh's inbox yet. */
  readonly unsent: number;
  /** Whether what it keeps survives a reload: false when the browser refuses storage. */
  readonly durable: boolean;
};

/** What one audience sees: `public`, `own` (this agent's) or `topology`. `view` is empty once the audience is gone. */
export type ViewShown = {
  readonly audience: "public" | "own" | "topology";
  /** The entry of the log this follows from; never decreases. */
  readonly applied_index: number;
  /** That entry's time, by the store's clock, in milliseconds. */
  readonly at_ms: number;
  readonly view: JsonObject;
};

/** What became of a command that `sendToManager` took. Of one that a reload interrupted this is the only word. */
export type CommandOutcome = {
  readonly kind: string;
  readonly body: JsonObject;
  /**
   * `SENT`: it is in the inbox, or was ordered already; the views tell what came of it.
   * `REFUSED`: the mesh would not take it; `text` says why.
   * `STALE`: what it presumed (`onlyWhile`) did not hold any more; it was not sent.
   * `UNKNOWN`: the run that sent it ended meanwhile; it may have been ordered or not. Look at the views.
   */
  readonly outcome: "SENT" | "REFUSED" | "STALE" | "UNKNOWN";
  readonly text: string;
};

export type SendOptions = {
  /** Send it only while the public view has these values: a ballot of day 1 must not land on day 2, an hour offline later. */
  readonly onlyWhile?: JsonObject;
  /** To do it twice is to do it once: so it is sent again, instead of being reported as UNKNOWN, when a run ends meanwhile. */
  readonly repeatable?: boolean;
};

export type SendCall = {
  readonly type: "send";
  readonly call: number;
  readonly kind: string;
  readonly body: JsonObject;
  readonly terms: Required<SendOptions>;
};

/** From the page to the worker. `call` numbers the calls that want an answer. */
export type ToWorker =
  | { readonly type: "start"; readonly options: AgentOptions; readonly takeOver: boolean }
  | SendCall
  | { readonly type: "update"; readonly call: number; readonly changes: JsonObject }
  | { readonly type: "heartbeat"; readonly state: "running" | "failed" }
  | { readonly type: "wake" }
  | { readonly type: "stop" };

/** From the worker to the page. */
export type ToPage =
  | { readonly type: "status"; readonly status: AgentStatus }
  | { readonly type: "view"; readonly shown: ViewShown }
  | { readonly type: "state"; readonly values: JsonObject; readonly version: number }
  | { readonly type: "outcome"; readonly outcome: CommandOutcome }
  | { readonly type: "answer"; readonly call: number; readonly value: number }
  | { readonly type: "failure"; readonly call: number; readonly code: AgentErrorCode; readonly text: string }
  /** All is stored and let go of: the worker may be terminated. */
  | { readonly type: "ended" };

/** What a call of an agent can fail with. */
export type AgentErrorCode =
  /** Malformed or too large; nothing was sent. */
  | "INVALID"
  /** Too many commands wait; nothing was sent. Wait for the views to move. */
  | "FULL"
  /** See `CommandOutcome`. */
  | "REFUSED"
  | "STALE"
  | "UNKNOWN"
  /** The agent is not running (any more). */
  | "ENDED";
