/** The way into the mesh: be admitted, sign in, join, and what the roster says from then on. */

import { ALREADY_ORDERED, JOIN } from "./generated/constants.ts";
import type { AgentRow } from "./generated/types.ts";
import {
  type AdmissionFailure,
  type Admitted,
  type AgentEvent,
  type Failure,
  QUIET,
  type Run,
  type Watched,
} from "./model.ts";
import type { LostReason } from "./protocol.ts";
import { type Turn, pauseMs } from "./turn.ts";

/** Other runs of the agent are waited for this often, a minute in all: silent ones are judged by then. */
const TAKEN_MAX = 14;
/** So often may the store turn away what the control plane has admitted, before somebody must look at the set-up. */
const REJECTIONS_MAX = 4;
const LEADER_PATIENCE_MS = 10_000;
const WATCH_AGAIN_MS = 1000;
const OF_A_LINK = ["open", "send", "beat", "rest", "answer", "leader", "watch", "state"] as const;
const JOIN_REFUSALS: Readonly<Record<string, LostReason>> = {
  MESH_FULL: "NO_PLACE",
  MESH_DRAINING: "NO_PLACE",
  MESH_CLOSED: "MESH_GONE",
};

/** Go on with the run that the memory knows, or ask to be admitted as a new one. */
export function begin(turn: Turn, { memory, durable, admission }: AgentEvent & { type: "started" }): void {
  turn.set({ memory, durable, tried: memory.open !== null });
  turn.tell({ type: "state", values: memory.values, version: memory.version });
  if (memory.run !== null) open(turn, memory.run, null);
  else if (admission !== null) admitted(turn, admission);
  else ask(turn);
}

/** Ask the control plane for a new run. Whatever the present one had open is let go. */
export function ask(turn: Turn): void {
  closeLink(turn);
  turn.cancel("admit");
  turn.set({ stage: "admitting", asking: true });
  turn.effects.push({ type: "admit" });
}

function askLater(turn: Turn, ms: number): void {
  closeLink(turn);
  turn.set({ stage: "admitting", asking: false });
  turn.wait("admit", ms);
}

/**
 * A new run begins. What was surely not sent goes with it; what may have been sent under the old one may have been ordered,
 * so that only what can be repeated is sent again.
 */
export function admitted(turn: Turn, admission: Admitted): void {
  const { open: tried, queue } = turn.state.memory;
  const carried = tried !== null && (!turn.state.tried || tried.repeatable) ? [tried, ...queue] : queue;
  const unknown = carried === queue ? tried : null;
  const run: Run = { inc: admission.inc, process: admission.process, joined: turn.state.watching };
  turn.remember({ run, sent: 0, open: null, queue: carried });
  if (unknown !== null) turn.conclude(unknown, "UNKNOWN", "The connection was lost while this was on its way.");
  turn.set({ asking: false, failures: 0, tried: false });
  open(turn, run, admission.custom_token);
}

export function notAdmitted(turn: Turn, failure: AdmissionFailure, text: string, retryAfterMs: number): void {
  switch (failure) {
    case "UNAVAILABLE":
      turn.set({ failures: turn.state.failures + 1, why: turn.state.why || "NOT_ADMITTED", detail: text });
      return askLater(turn, Math.max(pauseMs(turn.state.failures), retryAfterMs));
    case "IN_USE":
      return idTaken(turn);
    case "REFUSED":
      return lose(turn, "TICKET_REFUSED", text);
    default:
      return lose(turn, failure, text);
  }
}

function idTaken(turn: Turn): void {
  const taken = turn.state.taken + 1;
  if (taken > TAKEN_MAX) return lose(turn, "TAKEN_OVER", "");
  turn.set({ taken, why: "EARLIER_RUN" });
  askLater(turn, Math.min(1000 * taken, 5000));
}

/** The store turns away this run, and does not say why: the control plane will, when it is asked anew. */
export function rejected(turn: Turn): void {
  const rejections = turn.state.rejections + 1;
  if (rejections > REJECTIONS_MAX) return lose(turn, "BROKEN", "The security rules turn away whom the control plane admits.");
  turn.set({ rejections, why: "NOT_ADMITTED" });
  askLater(turn, pauseMs(rejections));
}

// --- the connection ---------------------------------------------------------------------------------------------------------

function open(turn: Turn, run: Run, token: string | null): void {
  closeLink(turn);
  turn.set({ stage: "opening", token });
  sign(turn, run);
}

function sign(turn: Turn, run: Run): void {
  turn.set({ asking: true });
  turn.over({ type: "open", run, customToken: turn.state.token });
}

/** What was asked over the old connection is not answered any more, and what it still says is not heard. */
function closeLink(turn: Turn): void {
  const { stage, beating } = turn.state;
  if (stage === "opening" || stage === "entering" || stage === "member") turn.over({ type: "close" });
  turn.cancel(...OF_A_LINK);
  turn.set({ link: turn.state.link + 1 });
  turn.set({ live: false, silent: false, since: 0, unwatched: [], publicView: null, asking: false });
  turn.set({ sending: false, held: false, denials: 0, ordered: 0, storing: "", storeRested: true });
  turn.set({ beating: { ...QUIET, shown: beating.shown, pace: beating.pace } });
}

/** Signed in. A run that this browser goes on with may have shown more signs of life than it remembers. */
export function opened(turn: Turn): void {
  if (turn.state.watching) return startWatching(turn);
  turn.beat({ lost: turn.state.token === null, due: true });
  turn.set({ stage: "entering", asking: false, failures: 0, token: null });
  turn.wait("leader", LEADER_PATIENCE_MS);
  turn.over({ type: "watch", what: "row" });
  if (turn.state.memory.run?.joined) return;
  turn.over({ type: "watch", what: "refusal" });
  join(turn);
}

function startWatching(turn: Turn): void {
  turn.set({ stage: "member", live: false, asking: false, token: null });
  for (const what of ["public", "topology"] as const) turn.over({ type: "watch", what });
}

export function openFailed(turn: Turn, failure: Failure): void {
  turn.set({ asking: false });
  if (failure !== "UNAVAILABLE") return rejected(turn);
  turn.set({ failures: turn.state.failures + 1, why: turn.state.why || "NO_ANSWER" });
  turn.wait("open", pauseMs(turn.state.failures));
}

/** Try again at once what waits for its time. */
export function hurry(turn: Turn): void {
  const { stage, asking, memory } = turn.state;
  if (asking) return;
  if (stage === "admitting") ask(turn);
  if (stage === "opening" && memory.run !== null) sign(turn, memory.run);
}

/** Ask to be let in, in exactly the form that the security rules demand. Sent again, it is the same request. */
export function join(turn: Turn): void {
  const { run, sent } = turn.state.memory;
  if (run === null || sent > 0 || turn.state.sending || turn.state.held) return;
  turn.set({ sending: true });
  turn.over({ type: "submit", seq: 1, kind: JOIN, payload: `{"process":"${run.process}","replaces":[],"type":"worker"}` });
}

export function noLeader(turn: Turn): void {
  if (turn.state.stage === "entering") turn.set({ why: turn.state.why || "NO_LEADER" });
}

/** Why the join was refused. */
export function refusal(turn: Turn, reason: string, detail: string): void {
  const { stage, memory } = turn.state;
  if (stage !== "entering" || memory.run?.joined || reason === ALREADY_ORDERED) return;
  if (reason === "AGENT_ID_IN_USE") return idTaken(turn);
  if (reason === "INCARNATION_ENDED") return rejected(turn);
  lose(turn, JOIN_REFUSALS[reason] ?? "BROKEN", `${reason} ${detail}`.trim());
}

// --- the roster -------------------------------------------------------------------------------------------------------------

/** The agent's row as the store has it; null when there is none. A living agent's row goes with its mesh alone. */
export function row(turn: Turn, found: AgentRow | null): void {
  const { run } = turn.state.memory;
  if (run === null) return;
  if (found === null) return run.joined ? lose(turn, "MESH_GONE", "") : undefined;
  if (found.since < turn.state.since) return;
  if (found.inc === run.inc) return ownRow(turn, run, found);
  if (!run.joined) return; // that of a run before; the join is not ordered yet
  if (found.status === "alive") return lose(turn, "TAKEN_OVER", "");
  ask(turn);
}

function ownRow(turn: Turn, run: Run, found: AgentRow): void {
  if (found.status === "alive") return becomeMember(turn, run, found.since);
  if (found.status === "left") return lose(turn, "REMOVED", "");
  turn.set({ why: "DECLARED_DEAD" });
  ask(turn);
}

function becomeMember(turn: Turn, run: Run, since: number): void {
  if (turn.state.stage === "member") return;
  turn.cancel("leader");
  // Connected it is when its views are in step as well.
  turn.set({ stage: "member", live: false, since, failures: 0, taken: 0, rejections: 0 });
  // The join is not sent again: that there is a row shows that it was ordered.
  if (turn.state.memory.sent === 0) turn.set({ sending: false, held: false, denials: 0 });
  if (!run.joined) turn.remember({ run: { ...run, joined: true }, sent: Math.max(1, turn.state.memory.sent) });
  for (const what of viewsOf(turn)) turn.over({ type: "watch", what });
}

function viewsOf(turn: Turn): readonly Watched[] {
  return turn.state.topology ? ["public", "own", "topology"] : ["public", "own"];
}

/** A listener has ended. Who may not even see its own row is no client of this mesh any more. */
export function watchFailed(turn: Turn, what: Watched, failure: Failure): void {
  const isShutOut = failure === "DENIED" && (what === "row" || turn.state.watching);
  if (failure === "SIGNED_OUT" || isShutOut) return rejected(turn);
  turn.set({ unwatched: [...turn.state.unwatched, what] });
  turn.wait("watch", WATCH_AGAIN_MS);
}

export function watchAgain(turn: Turn): void {
  const { unwatched } = turn.state;
  turn.set({ unwatched: [] });
  for (const what of unwatched) turn.over({ type: "watch", what });
}

// --- the end ----------------------------------------------------------------------------------------------------------------

const KEEPS_ITS_RUN: readonly LostReason[] = ["OTHER_TAB", "TICKET_REFUSED", "BROKEN"];

/** It is no use to go on by itself. */
export function lose(turn: Turn, lost: LostReason, detail: string): void {
  if (!KEEPS_ITS_RUN.includes(lost)) forget(turn);
  finish(turn, lost, detail);
}

/** Let go of the run; what was not sent will not be. */
export function forget(turn: Turn): void {
  const { open: tried, queue } = turn.state.memory;
  turn.remember({ run: null, sent: 0, open: null, queue: [] });
  if (tried !== null) turn.conclude(tried, turn.state.tried ? "UNKNOWN" : "REFUSED", "The agent's membership has ended.");
  for (const command of queue) turn.conclude(command, "REFUSED", "The agent's membership has ended.");
}

export function finish(turn: Turn, lost: LostReason | "", detail: string): void {
  closeLink(turn);
  turn.set({ stage: "ended", connection: lost === "" ? "STOPPED" : "LOST", lost, detail });
}
