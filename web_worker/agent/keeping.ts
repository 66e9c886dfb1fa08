/** The agent's own state: merged here, kept in this browser, copied to the mesh's store one version at a time. */

import { RESTED_AFTER_MS, active } from "./beating.ts";
import { rejected } from "./entering.ts";
import type { Failure } from "./model.ts";
import { Unfit, checkState } from "./payload.ts";
import type { JsonObject } from "./protocol.ts";
import { type Turn, pauseMs } from "./turn.ts";

const DENIED_AGAIN_MS = 1000;

export function update(turn: Turn, call: number, changes: JsonObject): void {
  if (turn.state.watching) return turn.fail(call, "INVALID", "One who only watches keeps nothing.");
  const values = { ...turn.state.memory.values, ...changes };
  try {
    checkState(values);
  } catch (error) {
    if (!(error instanceof Unfit)) throw error;
    return turn.fail(call, "INVALID", error.message);
  }
  const version = turn.state.memory.version + 1;
  turn.remember({ version, values });
  turn.set({ stateCalls: [...turn.state.stateCalls, { call, version }] });
  turn.tell({ type: "state", values, version });
  active(turn);
}

/** Copy the latest version to the store if it has not got it. Harmless at any time. */
export function pumpState(turn: Turn): void {
  const { stage, live, storing, storeRested, memory } = turn.state;
  if (stage !== "member" || !live || storing !== "" || !storeRested || memory.stored >= memory.version) return;
  turn.set({ storing: "write" });
  turn.over({ type: "write_state", version: memory.version, values: memory.values });
}

export function stateWritten(turn: Turn, version: number): void {
  rest(turn, RESTED_AFTER_MS);
  turn.remember({ stored: version });
  const done = turn.state.stateCalls.filter((waiting) => waiting.version <= version);
  turn.set({ stateCalls: turn.state.stateCalls.filter((waiting) => waiting.version > version) });
  for (const waiting of done) turn.tell({ type: "answer", call: waiting.call, value: version });
}

export function stateFailed(turn: Turn, failure: Failure): void {
  if (failure === "SIGNED_OUT") return rejected(turn);
  if (failure === "DENIED" && turn.state.storing === "write") {
    turn.set({ storing: "read" });
    return turn.over({ type: "read_state" });
  }
  turn.set({ failures: turn.state.failures + 1 });
  rest(turn, failure === "DENIED" ? DENIED_AGAIN_MS : pauseMs(turn.state.failures));
}

/** What the store has, after it denied a version: a copy of it, which was taken before; or a later one, which ours must top. */
export function stateRead(turn: Turn, version: number, isOwn: boolean): void {
  const { memory } = turn.state;
  if (isOwn && version === memory.version) return stateWritten(turn, version);
  if (version >= memory.version) turn.remember({ version: version + 1 });
  rest(turn, DENIED_AGAIN_MS);
}

function rest(turn: Turn, ms: number): void {
  turn.set({ storing: "", storeRested: false });
  turn.wait("state", ms);
}

export function stateRested(turn: Turn): void {
  turn.set({ storeRested: true });
}
