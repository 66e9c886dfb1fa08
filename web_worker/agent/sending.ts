/**
 * Commands: taken in from the page, kept, and put into the inbox one after the other, each surely there before the next.
 *
 * A command gets its number when its turn comes. From the moment that is saved the number is its own, so that it may be sent
 * again, by this worker or by the next: the mesh does not order one number twice.
 */

import { active } from "./beating.ts";
import { forget, finish, join, rejected, row } from "./entering.ts";
import { ALREADY_ORDERED, COMMANDS_PER_BEAT, LEAVE, OUTSTANDING_MAX } from "./generated/constants.ts";
import type { Failure, Look, Pending } from "./model.ts";
import { Unfit, checkKind, sameJson, textOf } from "./payload.ts";
import type { JsonObject, SendCall } from "./protocol.ts";
import { type Turn, pauseMs } from "./turn.ts";

/** Commands that may wait in this browser. */
export const QUEUE_MAX = 64;
const LOOK_AGAIN_MS = 2000;
const LEAVE_PATIENCE_MS = 3000;

/** Take in what the page wants sent. */
export function take(turn: Turn, { call, kind, body, terms }: SendCall): void {
  if (turn.state.memory.queue.length >= QUEUE_MAX) return turn.fail(call, "FULL", "Too many commands wait already.");
  if (turn.state.stopping) return turn.fail(call, "ENDED", "The agent is leaving.");
  if (turn.state.watching) return turn.fail(call, "INVALID", "One who only watches sends nothing.");
  try {
    checkKind(kind);
    const payload = textOf(body);
    const command = { id: turn.state.memory.lastId + 1, kind, payload, ...terms };
    turn.set({ sendCalls: new Map(turn.state.sendCalls).set(command.id, call) });
    enqueue(turn, command);
  } catch (error) {
    if (!(error instanceof Unfit)) throw error;
    turn.fail(call, "INVALID", error.message);
  }
  active(turn);
}

function enqueue(turn: Turn, command: Pending): void {
  turn.remember({ lastId: command.id, queue: [...turn.state.memory.queue, command] });
}

/** Send what can be sent now. Harmless at any time. */
export function pumpCommands(turn: Turn): void {
  const { stage, live, silent, sending, held } = turn.state;
  if (stage !== "member" || sending || held) return;
  if (turn.state.memory.open === null && live && !silent) giveNumber(turn);
  const { memory, openRevision, savedRevision, beating } = turn.state;
  if (memory.open === null || turn.state.sending || savedRevision < openRevision) return;
  const seq = memory.sent + 1;
  if (seq > COMMANDS_PER_BEAT * beating.count) {
    if (!beating.due) turn.beat({ due: true }); // the security rules allow so many for each sign of life
    return;
  }
  turn.set({ sending: true, tried: true });
  turn.over({ type: "submit", seq, kind: memory.open.kind, payload: memory.open.payload });
}

/** The first in the queue whose terms hold gets the next number. */
function giveNumber(turn: Turn): void {
  const { memory, ordered } = turn.state;
  const [command, ...queue] = memory.queue;
  if (command === undefined) return;
  if (memory.sent - ordered >= OUTSTANDING_MAX) {
    turn.set({ sending: true });
    return turn.over({ type: "probe", seq: memory.sent - OUTSTANDING_MAX / 2 });
  }
  const holds = termsHold(turn.state.publicView, command.onlyWhile);
  if (holds === null) return;
  if (!holds) {
    turn.remember({ queue });
    turn.conclude(command, "STALE", "The moment for this has passed.");
    return giveNumber(turn);
  }
  turn.remember({ open: command, queue });
  turn.set({ openRevision: turn.state.revision + 1, tried: false, denials: 0 });
}

/** Whether the public view says so; null as long as it has not been heard. */
function termsHold(view: JsonObject | null, terms: JsonObject): boolean | null {
  const names = Object.keys(terms);
  if (names.length === 0) return true;
  if (view === null) return null;
  return names.every((name) => sameJson(view[name], terms[name]));
}

/** A command is surely in the inbox, or was ordered already. */
export function submitted(turn: Turn, seq: number): void {
  turn.set({ sending: false, denials: 0, failures: 0 });
  const { open, sent } = turn.state.memory;
  if (seq === 1) return sent === 0 ? turn.remember({ sent: 1 }) : undefined;
  if (open === null || seq !== sent + 1) return;
  settle(turn, open, seq);
  if (open.kind === LEAVE) stopped(turn);
  else turn.conclude(open, "SENT", "", seq);
}

function settle(turn: Turn, open: Pending, seq: number): void {
  if (turn.state.memory.open?.id === open.id) turn.remember({ sent: seq, open: null });
}

export function submitFailed(turn: Turn, seq: number, failure: Failure): void {
  turn.set({ sending: false });
  if (failure === "SIGNED_OUT") return rejected(turn);
  if (failure === "UNAVAILABLE") return hold(turn);
  turn.set({ sending: true });
  turn.over({ type: "look", seq });
}

/** A look behind a denial failed itself. Who may not even look is no client of this mesh any more. */
export function lookFailed(turn: Turn, failure: Failure): void {
  turn.set({ sending: false });
  if (failure === "UNAVAILABLE") hold(turn);
  else rejected(turn);
}

function hold(turn: Turn): void {
  turn.set({ held: true, failures: turn.state.failures + 1 });
  turn.wait("send", pauseMs(turn.state.failures));
}

export function sendAgain(turn: Turn): void {
  turn.set({ held: false });
  if (turn.state.stage === "entering" && !turn.state.memory.run?.joined) join(turn);
}

/** Why the store has denied a command: it has it, the run has ended, a sign of life is missing; or it is really not allowed. */
export function looked(turn: Turn, seq: number, { waiting, refused, row: found, beat }: Look): void {
  turn.set({ sending: false });
  if (waiting || refused === ALREADY_ORDERED) return submitted(turn, seq);
  if (seq === 1) return lookedForJoin(turn, found);
  const { open } = turn.state.memory;
  if (open === null) return;
  if (refused !== null) {
    settle(turn, open, seq);
    return turn.conclude(open, "REFUSED", `The mesh has refused this: ${refused}.`);
  }
  row(turn, found);
  if (turn.state.stage !== "member") return;
  turn.beat({ count: beat ?? 0 });
  if (beat === null) return turn.beat({ due: true });
  if (turn.state.denials > 0) return denied(turn, open);
  // An earlier copy may have been ordered meanwhile; then the next is taken, and dropped. If not, the denial is meant.
  turn.set({ denials: 1 });
}

function lookedForJoin(turn: Turn, found: Look["row"]): void {
  row(turn, found);
  if (turn.state.stage !== "entering") return;
  if (turn.state.denials > 0) return rejected(turn);
  turn.set({ denials: 1 });
  join(turn);
}

function denied(turn: Turn, open: Pending): void {
  turn.remember({ open: null });
  turn.set({ denials: 0 });
  turn.conclude(open, "REFUSED", "The security rules do not let this agent send this.");
}

/** Whether the middle one of those that may wait still does; null: nobody could say. */
export function probed(turn: Turn, seq: number, waiting: boolean | null): void {
  turn.set({ sending: false });
  if (waiting === false) return turn.set({ ordered: seq });
  turn.set({ held: true });
  turn.wait("send", LOOK_AGAIN_MS);
}

// --- leaving ----------------------------------------------------------------------------------------------------------------

/** Send what is left, then the leave; but do not try for ever. */
export function stop(turn: Turn): void {
  turn.set({ stopping: true });
  if (turn.state.stage !== "member" || turn.state.watching) return stopped(turn);
  const id = turn.state.memory.lastId + 1;
  enqueue(turn, { id, kind: LEAVE, payload: "{}", onlyWhile: {}, repeatable: false });
  turn.wait("stop", LEAVE_PATIENCE_MS);
}

/** The leave is sent, or it is too late for it: then the mesh will miss the agent. */
export function stopped(turn: Turn): void {
  forget(turn);
  finish(turn, "", "");
}
