/**
 * The store's time as far as the page can tell. For display alone: nothing is decided by it.
 *
 * A view says at which store time it came about, and it arrives a little later. So store time is at least `at_ms` plus
 * what has passed here since it arrived; the largest such estimate is the best, because delays only ever make one smaller.
 */

export interface StoreClock {
  /** Store time minus the page's steady clock, milliseconds; null before the first view. */
  readonly offsetMs: number | null;
}

/** A phase ends within a second or two of its time; so much later whoever waits is told something. */
const LATE_MS = 10_000;

export const UNSET: StoreClock = { offsetMs: null };

/** Learn from a view that has just arrived. `steadyMs`: the page's steady clock (`performance.now()`) at that moment. */
export function learnt(clock: StoreClock, atMs: number, steadyMs: number): StoreClock {
  const offsetMs = atMs - steadyMs;
  return clock.offsetMs !== null && clock.offsetMs >= offsetMs ? clock : { offsetMs };
}

/** How long until a store time, in whole seconds, never below 0; null without a deadline or a clock. */
export function secondsUntil(clock: StoreClock, deadlineMs: number | null, steadyMs: number): number | null {
  if (!deadlineMs || clock.offsetMs === null) return null;
  return Math.max(0, Math.ceil((deadlineMs - clock.offsetMs - steadyMs) / 1000));
}

/** Whether a store time is so long past that what was due then must have been held up. */
export function isLate(clock: StoreClock, deadlineMs: number | null, steadyMs: number): boolean {
  if (!deadlineMs || clock.offsetMs === null) return false;
  return clock.offsetMs + steadyMs - deadlineMs >= LATE_MS;
}

/** How much of a phase has passed, 0 to 1; 0 when it has no deadline. */
export function progress(clock: StoreClock, startedMs: number, deadlineMs: number | null, steadyMs: number): number {
  if (!deadlineMs || clock.offsetMs === null || deadlineMs <= startedMs) return 0;
  const passed = (clock.offsetMs + steadyMs - startedMs) / (deadlineMs - startedMs);
  return Math.min(1, Math.max(0, passed));
}

/** 75 as "1:15". */
export function minutes(seconds: number): string {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
