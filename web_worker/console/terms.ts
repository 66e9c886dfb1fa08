/** The history of who led: pieced together from log, topology and signs of life. Pure. */

import type { LogLine } from "../agent/generated/types.ts";

/** Terms that are kept, the latest. */
export const TERMS_MAX = 40;

/** One term as far as it was seen, by the store's times: from its first entry to the last sign of its leader. */
export interface Term {
  readonly term: number;
  /** Empty as long as nobody has said. */
  readonly leader: string;
  readonly fromMs: number;
  readonly lastMs: number;
}

/** A time in which no sign of any leader was seen, before a term began. */
export interface Gap {
  readonly term: number;
  readonly fromMs: number;
  readonly toMs: number;
}

/** A shorter silence is what a graceful transfer takes; no use in drawing it. */
export const GAP_MS_MIN = 500;

/** The history with one more sighting: this leader led in this term at this time. Terms are kept in order. */
export function seen(terms: readonly Term[], term: number, leader: string, atMs: number): readonly Term[] {
  const known = terms.find((each) => each.term === term);
  const merged: Term = {
    term,
    leader: leader || (known?.leader ?? ""),
    fromMs: Math.min(atMs, known?.fromMs ?? atMs),
    lastMs: Math.max(atMs, known?.lastMs ?? atMs),
  };
  const others = terms.filter((each) => each.term !== term);
  return [...others, merged].sort((one, other) => one.term - other.term).slice(-TERMS_MAX);
}

/** The history as some entries of the log tell it. */
export function seenInLog(terms: readonly Term[], lines: readonly LogLine[]): readonly Term[] {
  return lines.reduce((history, { term, leader, at_ms, stored_ms }) => {
    return seen(seen(history, term, leader, at_ms), term, leader, stored_ms);
  }, terms);
}

/** Between which terms nobody led, as far as was seen. */
export function gaps(terms: readonly Term[]): readonly Gap[] {
  return terms.flatMap((term, place) => {
    const before = terms[place - 1];
    if (before === undefined || term.fromMs - before.lastMs < GAP_MS_MIN) return [];
    return [{ term: term.term, fromMs: before.lastMs, toMs: term.fromMs }];
  });
}
