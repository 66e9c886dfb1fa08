/** How the console says things. */

import type { LineState } from "../agent/operator_protocol.ts";

const LINES: Readonly<Record<LineState, string>> = {
  CONNECTING: "Connecting …",
  CONNECTED: "Live",
  SUSPENDED: "No connection: what you see may be old. It comes back by itself.",
  ENDED: "This key may not listen any more: it was revoked, or has expired.",
};

export function lineWord(state: LineState): string {
  return LINES[state];
}

/** A store time as the time of day where the operator is, to the second. */
export function timeOfDay(ms: number): string {
  return new Date(ms).toLocaleTimeString("en-GB");
}

/** 340 as "340 ms", 3400 as "3.4 s", 92000 as "1 min 32 s". */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.floor((ms % 60_000) / 1000)} s`;
}

/** How long ago, for what is seen every few seconds. */
export function ago(ms: number): string {
  return ms < 1000 ? "now" : `${duration(Math.floor(ms / 1000) * 1000).replace(".0", "")} ago`;
}

export function money(dollars: number): string {
  return `$${dollars < 0.01 ? dollars.toFixed(6) : dollars.toFixed(4)}`;
}

export function count(number: number): string {
  return number.toLocaleString("en-US");
}
