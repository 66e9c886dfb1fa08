/** Signs of life: each the next one that the store knows of, in the rhythm of what the agent does. */

import { rejected } from "./entering.ts";
import { LATENESS_MAX, REST_MS } from "./generated/constants.ts";
import type { Beating, Failure, State } from "./model.ts";
import type { Turn } from "./turn.ts";

/** The store's rest, and a little for its way to get there. */
export const RESTED_AFTER_MS = REST_MS + 20;
const DENIED_AGAIN_MS = 1000;

/** The agent does something: its signs of life come fast for a while, the first at once. */
export function active(turn: Turn): void {
  if (turn.state.beating.pace !== "active") turn.beat({ pace: "active", due: true });
  turn.cancel("asleep");
  turn.wait("idle", turn.state.heartbeat.idleAfterMs);
}

export function idle(turn: Turn): void {
  turn.beat({ pace: "idle" });
  turn.wait("asleep", turn.state.heartbeat.asleepAfterMs - turn.state.heartbeat.idleAfterMs);
}

export function asleep(turn: Turn): void {
  turn.beat({ pace: "asleep" });
}

/** How the agent says it fares. */
export function show(turn: Turn, shown: Beating["shown"]): void {
  if (shown !== turn.state.beating.shown) turn.beat({ shown, due: true });
  active(turn);
}

/** Time for the next one. `late`: this worker did not get to run when it should have, for which others make allowance. */
export function beatTime(turn: Turn, late: boolean): void {
  const lateness = turn.state.beating.lateness + (late ? 1 : -1);
  turn.beat({ due: true, lateness: Math.min(LATENESS_MAX, Math.max(0, lateness)) });
}

export function rested(turn: Turn): void {
  turn.beat({ rested: true });
}

/** Show a sign of life if one is due, as members alone may. Harmless at any time. */
export function pumpBeats(turn: Turn): void {
  const { stage, beating, watching } = turn.state;
  if (watching || stage !== "member" || !beating.due || beating.busy || !beating.rested) return;
  turn.beat({ busy: true, due: false });
  if (beating.lost) return turn.over({ type: "read_beat" });
  const { count, shown, lateness } = beating;
  turn.over({ type: "write_beat", seq: count + 1, intervalMs: intervalMs(turn.state), shown, lateness });
}

export function intervalMs({ heartbeat, beating }: State): number {
  return { active: heartbeat.activeMs, idle: heartbeat.idleMs, asleep: heartbeat.asleepMs }[beating.pace];
}

export function beaten(turn: Turn, seq: number): void {
  turn.beat({ count: seq, busy: false, lost: false, rested: false });
  turn.set({ failures: 0 });
  turn.wait("rest", RESTED_AFTER_MS);
  turn.wait("beat", intervalMs(turn.state));
}

/** How many of this run the store has; null for none. Now the next can be numbered. */
export function beatRead(turn: Turn, count: number | null): void {
  turn.beat({ count: count ?? 0, busy: false, lost: false, due: true });
}

/**
 * Denied: an earlier copy was taken, or another run lives, or this one has ended; the roster tells, and how many the store has
 * is looked up. Who may not even look is no client of this mesh any more.
 */
export function beatFailed(turn: Turn, failure: Failure): void {
  const wasLooking = turn.state.beating.lost;
  turn.beat({ busy: false, lost: true });
  if (failure === "SIGNED_OUT" || (failure === "DENIED" && wasLooking)) return rejected(turn);
  turn.wait("beat", failure === "DENIED" ? DENIED_AGAIN_MS : intervalMs(turn.state));
}
