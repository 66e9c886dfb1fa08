/** What the reducer knows (`State`), hears (`AgentEvent`) and wants done (`Effect`). Types, and the state it starts from. */

import type { Admission, AgentRow } from "./generated/types.ts";
import type {
  Connection,
  HeartbeatPolicy,
  JsonObject,
  LostReason,
  SendCall,
  SuspendedReason,
  ToPage,
} from "./protocol.ts";

/** A command that the mesh does not surely have yet. `id` names it in this browser; its number it gets when its turn comes. */
export type Pending = {
  readonly id: number;
  readonly kind: string;
  /** The text that is sent. */
  readonly payload: string;
  readonly onlyWhile: JsonObject;
  readonly repeatable: boolean;
};

/** One run of the agent, as the control plane has admitted it. */
export type Run = {
  readonly inc: string;
  readonly process: string;
  /** The mesh has taken it in, as far as this browser has seen. */
  readonly joined: boolean;
};

/** What is kept in IndexedDB: whatever a reload must not lose. */
export type Memory = {
  readonly run: Run | null;
  /** Number of the last command that is surely in the inbox; the join is 1. */
  readonly sent: number;
  /** The command with the next number. Once stored here it may have been tried, and the number is its own for ever. */
  readonly open: Pending | null;
  /** Those behind it; they have no number yet. */
  readonly queue: readonly Pending[];
  readonly lastId: number;
  /** The agent's own state, and which version of it the mesh's store surely has. */
  readonly version: number;
  readonly values: JsonObject;
  readonly stored: number;
};

export const BLANK: Memory = { run: null, sent: 0, open: null, queue: [], lastId: 0, version: 0, values: {}, stored: 0 };

/**
 * Where the agent stands on its way into the mesh: `admitting` (the control plane is asked), `opening` (signing in),
 * `entering` (the join is under way), `member`, `ended`.
 */
export type Stage = "new" | "admitting" | "opening" | "entering" | "member" | "ended";

/** Timers; each runs once at most, and is set anew by setting it. */
export type Timer =
  | ("admit" | "open" | "leader" | "watch" | "answer" | "stop")
  | ("send" | "state")
  | ("beat" | "rest" | "idle" | "asleep");

/** How the signs of life go. */
export type Beating = {
  /** How many of this run the store surely has. */
  readonly count: number;
  /** One more may have been taken: look before the next. */
  readonly lost: boolean;
  readonly busy: boolean;
  /** Another one is wanted as soon as may be. */
  readonly due: boolean;
  /** The store would take another one: enough time has passed since the last. */
  readonly rested: boolean;
  readonly shown: "running" | "failed";
  readonly lateness: number;
  readonly pace: "active" | "idle" | "asleep";
};

export type State = {
  readonly agent: string;
  readonly heartbeat: HeartbeatPolicy;
  readonly topology: boolean;
  /** It only watches: it is no member, shows no signs of life, sends and keeps nothing. */
  readonly watching: boolean;
  readonly stage: Stage;
  readonly connection: Connection;
  /** What holds the agent up, while it is not connected. */
  readonly why: SuspendedReason | "";
  /** Of one that has ended: why. */
  readonly lost: LostReason | "";
  /** Details for people, if the reason alone does not say all. */
  readonly detail: string;
  readonly memory: Memory;
  readonly revision: number;
  readonly savedRevision: number;
  readonly durable: boolean;
  /** Which connection is open, counted from 1; what an earlier one still says is not heard. */
  readonly link: number;
  /** Whether the listener to the own row is in step with the store. */
  readonly live: boolean;
  /** A request has got no answer for long: whatever `live` says. */
  readonly silent: boolean;
  /** The log index at which the mesh took this run in. */
  readonly since: number;
  /** Failures in a row of what is tried at the moment; the pause before the next try grows with it. */
  readonly failures: number;
  /** The control plane or Authentication has been asked and has not answered. */
  readonly asking: boolean;
  /** The custom token of this run, as long as it has not been used. */
  readonly token: string | null;
  /** Times in a row that another run had the agent's id. */
  readonly taken: number;
  /** Times in a row that the store has turned away what the control plane had admitted. */
  readonly rejections: number;
  /** Listeners that have failed, to be opened again. */
  readonly unwatched: readonly Watched[];
  /** The revision of the memory that has `open`; it is not sent before that is saved. */
  readonly openRevision: number;
  /** `open` may have been sent. */
  readonly tried: boolean;
  /** The store has been asked about a command and has not answered. */
  readonly sending: boolean;
  /** A failed send waits for its next try. */
  readonly held: boolean;
  /** Times in a row that the store has denied a command. */
  readonly denials: number;
  /** A number up to which nothing of this agent waits in the inbox any more. */
  readonly ordered: number;
  /** The public view as heard over this connection; null before. */
  readonly publicView: JsonObject | null;
  readonly beating: Beating;
  /** What the store has been asked about the agent's own state and has not answered. */
  readonly storing: "" | "write" | "read";
  readonly storeRested: boolean;
  /** The page's calls that wait: by the id of a command, and by the version of the state. */
  readonly sendCalls: ReadonlyMap<number, number>;
  readonly stateCalls: readonly { readonly call: number; readonly version: number }[];
  /** The page has asked to leave. */
  readonly stopping: boolean;
};

export const QUIET: Beating = {
  ...{ count: 0, lost: false, busy: false, due: false, rested: true },
  ...{ shown: "running", lateness: 0, pace: "active" },
};

export function newState(agent: string, heartbeat: HeartbeatPolicy, topology: boolean, watching = false): State {
  return {
    ...{ agent, heartbeat, topology, watching, stage: "new", connection: "CONNECTING", why: "", lost: "", detail: "" },
    ...{ memory: BLANK, revision: 0, savedRevision: 0, durable: true, link: 0, live: false, silent: false, since: 0 },
    ...{ failures: 0, asking: false, token: null, taken: 0, rejections: 0, unwatched: [], openRevision: 0, tried: false },
    ...{ sending: false, held: false, denials: 0, ordered: 0, publicView: null, beating: QUIET, storing: "" },
    ...{ storeRested: true, sendCalls: new Map(), stateCalls: [], stopping: false },
  };
}

/** A view as it lies in the store. */
export type ViewDocument = { readonly applied_index: number; readonly at_ms: number; readonly view: JsonObject };
export type Audience = "public" | "own" | "topology";
export type Watched = "row" | "refusal" | Audience;

/** Why the store did not do something. `DENIED`: the rules say no, and not why. `SIGNED_OUT`: no valid token can be had. */
export type Failure = "DENIED" | "SIGNED_OUT" | "UNAVAILABLE";

/** What a look behind a denial has found. `beat` is the number of this run's last sign of life; null when there is none. */
export type Look = {
  readonly waiting: boolean;
  readonly refused: string | null;
  readonly row: AgentRow | null;
  readonly beat: number | null;
};

/** What the control plane gives; one who only watches has neither run nor process. */
export type Admitted = Pick<Admission, "inc" | "process" | "custom_token">;

/** Why the control plane does not admit the agent. */
export type AdmissionFailure = "UNAVAILABLE" | "REFUSED" | "MESH_GONE" | "NO_PLACE" | "IN_USE" | "BROKEN";

/** What comes over the connection `link`. */
export type LinkEvent =
  | { readonly type: "opened" }
  | { readonly type: "open_failed"; readonly failure: Failure }
  | { readonly type: "live"; readonly live: boolean }
  | { readonly type: "row"; readonly row: AgentRow | null }
  | { readonly type: "refusal"; readonly reason: string; readonly detail: string }
  | { readonly type: "view"; readonly audience: Audience; readonly view: ViewDocument }
  | { readonly type: "watch_failed"; readonly what: Watched; readonly failure: Failure }
  | { readonly type: "submitted"; readonly seq: number }
  | { readonly type: "submit_failed"; readonly seq: number; readonly failure: Failure }
  | { readonly type: "looked"; readonly seq: number; readonly look: Look }
  | { readonly type: "look_failed"; readonly seq: number; readonly failure: Failure }
  | { readonly type: "probed"; readonly seq: number; readonly waiting: boolean | null }
  | { readonly type: "beaten"; readonly seq: number }
  | { readonly type: "beat_failed"; readonly failure: Failure }
  | { readonly type: "beat_read"; readonly count: number | null }
  | { readonly type: "state_written"; readonly version: number }
  | { readonly type: "state_failed"; readonly failure: Failure }
  | { readonly type: "state_read"; readonly version: number; readonly inc: string };

export type AgentEvent =
  /** `admission` is one that the page brings along, fresh from taking a seat. */
  | { readonly type: "started"; readonly memory: Memory; readonly durable: boolean; readonly admission: Admitted | null }
  | SendCall
  | { readonly type: "update"; readonly call: number; readonly changes: JsonObject }
  | { readonly type: "heartbeat"; readonly shown: "running" | "failed" }
  | { readonly type: "wake" }
  | { readonly type: "stop" }
  /** The browser says that it has no network. */
  | { readonly type: "offline" }
  /** Another tab of this browser has taken the agent. */
  | { readonly type: "ousted" }
  | { readonly type: "saved"; readonly revision: number }
  | { readonly type: "not_saved"; readonly revision: number }
  | { readonly type: "admitted"; readonly admission: Admitted }
  | { readonly type: "not_admitted"; readonly failure: AdmissionFailure; readonly text: string; readonly retryAfterMs: number }
  /** `late`: it ran out long after its time, because this worker did not get to run. */
  | { readonly type: "timer"; readonly timer: Timer; readonly late: boolean }
  | { readonly type: "link"; readonly link: number; readonly event: LinkEvent };

export type BeatEffect = {
  readonly type: "write_beat";
  readonly seq: number;
  readonly intervalMs: number;
  readonly shown: Beating["shown"];
  readonly lateness: number;
};

/** What the connection `link` shall do. */
export type LinkEffect =
  /** Sign in: with a fresh custom token, or without one as the run that signed in before. */
  | { readonly type: "open"; readonly run: Run; readonly customToken: string | null }
  | { readonly type: "close" }
  | { readonly type: "watch"; readonly what: Watched }
  | { readonly type: "submit"; readonly seq: number; readonly kind: string; readonly payload: string }
  | { readonly type: "look"; readonly seq: number }
  | { readonly type: "probe"; readonly seq: number }
  | BeatEffect
  | { readonly type: "read_beat" }
  | { readonly type: "write_state"; readonly version: number; readonly values: JsonObject }
  | { readonly type: "read_state" }
  /** Let go of the wire and take it up again. */
  | { readonly type: "reconnect" };

export type Effect =
  | { readonly type: "admit" }
  | { readonly type: "save"; readonly revision: number; readonly memory: Memory }
  | { readonly type: "wait"; readonly timer: Timer; readonly ms: number }
  | { readonly type: "cancel"; readonly timer: Timer }
  | { readonly type: "tell"; readonly message: ToPage }
  /** The agent has ended: let go of timers, of the lock, of everything. */
  | { readonly type: "end" }
  | { readonly type: "link"; readonly link: number; readonly effect: LinkEffect };
