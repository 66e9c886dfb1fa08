/** What a mesh costs: an estimate from what the console sees, for where no meter counts. Pure. */

import { DOLLARS } from "../agent/generated/constants.ts";

export interface Operations {
  readonly reads: number;
  readonly writes: number;
  readonly deletes: number;
}

/** What the console has seen since it listens. */
export interface Sightings {
  /** Signs of life, by processes with server credentials and by clients under the rules. */
  readonly beats: number;
  readonly clientBeats: number;
  readonly entries: number;
  readonly commands: number;
}

export const NOTHING_SEEN: Sightings = { beats: 0, clientBeats: 0, entries: 0, commands: 0 };

/** What is known of the mesh that listens. */
export interface Audience {
  readonly managers: number;
  readonly members: number;
  /** How long this has been watched, and how often an idle leader renews; milliseconds. */
  readonly watchedMs: number;
  readonly renewMs: number;
}

/**
 * What this has cost, at least roughly. A sign of life: its write, the leader's read, two looks of the rules for a client's. An
 * entry: head, entry and one view written; head and view read by whoever listens. A command: one write, read and delete in
 * the inbox. A renewal, when there was no entry: the head written, and read by the other managers.
 */
export function estimate(seen: Sightings, { managers, members, watchedMs, renewMs }: Audience): Operations {
  const followers = Math.max(0, managers - 1);
  const renewals = renewMs > 0 && managers > 0 ? Math.max(0, Math.floor(watchedMs / renewMs) - seen.entries) : 0;
  const beats = seen.beats + seen.clientBeats;
  return {
    reads: beats + 2 * seen.clientBeats + seen.entries * (followers + members) + seen.commands + renewals * followers,
    writes: beats + 3 * seen.entries + seen.commands + renewals,
    deletes: seen.commands,
  };
}

/** What operations cost by the list prices of one region, in US dollars. */
export function dollars({ reads, writes, deletes }: Operations): number {
  return reads * DOLLARS.reads + writes * DOLLARS.writes + deletes * DOLLARS.deletes;
}
