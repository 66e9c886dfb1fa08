/** How long commands wait, by the store's own times. Pure. */

import type { LogLine } from "../agent/generated/types.ts";

export interface Waits {
  /** Entries with a command from the inbox. */
  readonly count: number;
  readonly medianMs: number;
  readonly p95Ms: number;
  readonly mostMs: number;
}

/** From the creation of an entry's oldest request in the inbox to the entry's commit; null when no entry had one. */
export function waitsOf(lines: readonly LogLine[]): Waits | null {
  const waits = lines.filter((line) => line.asked_ms > 0).map((line) => Math.max(0, line.stored_ms - line.asked_ms));
  waits.sort((one, other) => one - other);
  const at = (share: number) => waits[Math.min(waits.length - 1, Math.ceil(share * waits.length) - 1)] ?? 0;
  if (waits.length === 0) return null;
  return { count: waits.length, medianMs: at(0.5), p95Ms: at(0.95), mostMs: at(1) };
}
