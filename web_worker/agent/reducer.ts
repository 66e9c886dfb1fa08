/**
 * What the agent does about what happens: a pure function. It reads no clock, draws no chance, calls nobody; time is a timer
 * that has run out, and all it wants done are effects.
 */

import { active, asleep, beatFailed, beatRead, beatTime, beaten, idle, pumpBeats, rested, show } from "./beating.ts";
import {
  admitted,
  ask,
  begin,
  finish,
  hurry,
  noLeader,
  notAdmitted,
  openFailed,
  opened,
  refusal,
  row,
  watchAgain,
  watchFailed,
} from "./entering.ts";
import { pumpState, stateFailed, stateRead, stateRested, stateWritten, update } from "./keeping.ts";
import type { AgentEvent, Audience, Effect, LinkEvent, Memory, State, Timer, ViewDocument } from "./model.ts";
import type { AgentStatus } from "./protocol.ts";
import { lookFailed, looked, probed, pumpCommands, sendAgain, submitFailed, submitted, take } from "./sending.ts";
import { stop, stopped } from "./sending.ts";
import { Turn } from "./turn.ts";
import { sentence } from "./words.ts";

/** How long a request may go without an answer before the agent counts as cut off. */
const ANSWER_PATIENCE_MS = 5000;
/** How long it then waits before it takes up the wire anew, and again. */
const RECONNECT_MS = 10_000;

export function reduce(state: State, event: AgentEvent): { readonly state: State; readonly effects: readonly Effect[] } {
  if (state.stage === "ended") return { state, effects: [] };
  const turn = new Turn(state);
  hear(turn, event);
  pumpBeats(turn);
  pumpCommands(turn);
  pumpBeats(turn);
  pumpState(turn);
  follow(turn, state, event.type === "started" ? event.memory : state.memory);
  return { state: turn.state, effects: turn.effects };
}

function hear(turn: Turn, event: AgentEvent): void {
  switch (event.type) {
    case "started":
      return begin(turn, event);
    case "send":
      return take(turn, event);
    case "update":
      return update(turn, event.call, event.changes);
    case "heartbeat":
      return show(turn, event.shown);
    case "wake":
      return wake(turn);
    case "offline":
      return turn.set({ silent: true });
    case "stop":
      return stop(turn);
    case "ousted":
      return finish(turn, "OTHER_TAB", "");
    case "saved":
      return turn.set({ savedRevision: event.revision, durable: true });
    case "not_saved": // it goes on without: better a game that a reload would end than none
      return turn.set({ savedRevision: event.revision, durable: false });
    case "admitted":
      return admitted(turn, event.admission);
    case "not_admitted":
      return notAdmitted(turn, event.failure, event.text, event.retryAfterMs);
    case "timer":
      return ring(turn, event.timer, event.late);
    case "link":
      if (event.link === turn.state.link) overLink(turn, event.event);
  }
}

function ring(turn: Turn, timer: Timer, late: boolean): void {
  switch (timer) {
    case "admit":
      return ask(turn);
    case "open":
      return hurry(turn);
    case "send":
      return sendAgain(turn);
    case "beat":
      return beatTime(turn, late);
    case "rest":
      return rested(turn);
    case "idle":
      return idle(turn);
    case "asleep":
      return asleep(turn);
    case "answer":
      return cutOff(turn);
    case "leader":
      return noLeader(turn);
    case "watch":
      return watchAgain(turn);
    case "state":
      return stateRested(turn);
    case "stop":
      return stopped(turn);
  }
}

function overLink(turn: Turn, event: LinkEvent): void {
  turn.set({ silent: false });
  switch (event.type) {
    case "opened":
      return opened(turn);
    case "open_failed":
      return openFailed(turn, event.failure);
    case "live":
      return turn.set({ live: event.live });
    case "row":
      return row(turn, event.row);
    case "refusal":
      return refusal(turn, event.reason, event.detail);
    case "view":
      return view(turn, event.audience, event.view);
    case "watch_failed":
      return watchFailed(turn, event.what, event.failure);
    case "submitted":
      return submitted(turn, event.seq);
    case "submit_failed":
      return submitFailed(turn, event.seq, event.failure);
    case "looked":
      return looked(turn, event.seq, event.look);
    case "look_failed":
      return lookFailed(turn, event.failure);
    case "probed":
      return probed(turn, event.seq, event.waiting);
    case "beaten":
      return beaten(turn, event.seq);
    case "beat_failed":
      return beatFailed(turn, event.failure);
    case "beat_read":
      return beatRead(turn, event.count);
    case "state_written":
      return stateWritten(turn, event.version);
    case "state_failed":
      return stateFailed(turn, event.failure);
    case "state_read":
      return stateRead(turn, event.version, event.inc === turn.state.memory.run?.inc);
  }
}

function view(turn: Turn, audience: Audience, document: ViewDocument): void {
  if (audience === "public") turn.set({ publicView: document.view });
  turn.tell({ type: "view", shown: { audience, ...document } });
  active(turn);
}

/** The machine may have slept, or the network may be back. */
function wake(turn: Turn): void {
  const { stage, live, silent } = turn.state;
  if ((stage === "entering" || stage === "member") && (!live || silent)) turn.over({ type: "reconnect" });
  turn.beat({ due: true });
  hurry(turn);
}

function cutOff(turn: Turn): void {
  if (turn.state.silent) turn.over({ type: "reconnect" });
  turn.set({ silent: true });
  turn.wait("answer", RECONNECT_MS);
}

/** What follows from every event alike: patience with what was asked, what is to be kept, what the page is told. */
function follow(turn: Turn, before: State, kept: Memory): void {
  const waited = isAsking(before) && before.link === turn.state.link;
  if (isAsking(turn.state) && !waited) turn.wait("answer", ANSWER_PATIENCE_MS);
  if (!isAsking(turn.state) && waited) turn.cancel("answer");
  if (turn.state.memory !== kept && !turn.state.watching) {
    turn.set({ revision: turn.state.revision + 1 });
    turn.effects.push({ type: "save", revision: turn.state.revision, memory: turn.state.memory });
  }
  turn.set({ connection: connectionOf(turn.state) });
  if (turn.state.connection === "CONNECTED") turn.set({ why: "", detail: "" });
  const status = statusOf(turn.state);
  const isNews = before.stage === "new" || JSON.stringify(status) !== JSON.stringify(statusOf(before));
  if (isNews) turn.tell({ type: "status", status });
  if (turn.state.stage === "ended") turn.effects.push({ type: "end" });
}

function isAsking({ sending, beating, storing }: State): boolean {
  return sending || beating.busy || storing !== "";
}

function connectionOf({ stage, connection, live, silent }: State): State["connection"] {
  if (stage === "ended") return connection;
  if (stage === "member" && live && !silent) return "CONNECTED";
  return connection === "CONNECTING" ? "CONNECTING" : "SUSPENDED";
}

export function statusOf(state: State): AgentStatus {
  const { connection, memory, durable } = state;
  const reason = reasonOf(state);
  const unsent = memory.queue.length + (memory.open === null ? 0 : 1);
  return { connection, reason, text: sentence(reason, state.detail), inc: memory.run?.inc ?? "", unsent, durable };
}

function reasonOf({ connection, stage, lost, why }: State): AgentStatus["reason"] {
  if (connection === "LOST") return lost;
  if (connection === "CONNECTED" || connection === "STOPPED") return "";
  return why || (connection === "SUSPENDED" && stage === "member" ? "NO_ANSWER" : "");
}
