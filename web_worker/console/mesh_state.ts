/**
 * What the console knows of one mesh: news goes in, a state comes out. Pure: no clock, no network. Times are the store's; the
 * page's steady clock only says when news arrived, so that ages can be shown between two of them. Every list has a limit.
 */

import type { AuditRecord, LogLine, LogPage } from "../agent/generated/types.ts";
import type { BeatSeen, Health, LineState, OperatorNews, Topology } from "../agent/operator_protocol.ts";
import { CLIENT_PROCESS_PREFIX } from "../agent/generated/constants.ts";
import { type StoreClock, UNSET, learnt } from "../page/clock.ts";
import { NOTHING_SEEN, type Sightings } from "./costs.ts";
import { type Term, seen, seenInLog } from "./terms.ts";

/** Entries of the log that are kept, the latest. */
export const LINES_MAX = 200;

export interface MeshState {
  readonly mesh: string;
  readonly machine: string;
  /** Timing in milliseconds, by name. */
  readonly params: { readonly [name: string]: number };
  readonly line: LineState;
  readonly clock: StoreClock;
  readonly topology: Topology | null;
  readonly health: Health | null;
  readonly beats: ReadonlyMap<string, BeatSeen>;
  readonly lines: readonly LogLine[];
  /** The newest entry that anything has named; the log may have been read less far. */
  readonly newestIndex: number;
  readonly terms: readonly Term[];
  readonly audit: readonly AuditRecord[];
  readonly sightings: Sightings;
  /** The store's time when the first news came; null before. */
  readonly sinceMs: number | null;
}

export type MeshNews = OperatorNews | { readonly type: "log"; readonly page: LogPage };

/** Nothing known yet. */
export function unseen(mesh: string, machine: string, params: MeshState["params"]): MeshState {
  return {
    ...{ mesh, machine, params, line: "CONNECTING", clock: UNSET, topology: null, health: null, beats: new Map() },
    ...{ lines: [], newestIndex: 0, terms: [], audit: [], sightings: NOTHING_SEEN, sinceMs: null },
  };
}

/** The state after some news, which arrived at a time of the page's steady clock. */
export function advance(state: MeshState, news: MeshNews, steadyMs: number): MeshState {
  switch (news.type) {
    case "line":
      return { ...state, line: news.state };
    case "topology":
      return withTopology(state, news.topology, steadyMs);
    case "health":
      return named({ ...state, health: news.health }, news.health.applied_index);
    case "public":
      return named(timed(state, news.atMs, steadyMs), news.appliedIndex);
    case "beats":
      return withBeats(state, news.beats, steadyMs);
    case "audit":
      return { ...state, audit: news.records };
    case "log":
      return withLog(state, news.page);
  }
}

/** Where the log must be read from to be up to date; null when it is. 0 means its end: what lies between is let go. */
export function logWanted(state: MeshState): number | null {
  const last = state.lines[state.lines.length - 1]?.index ?? 0;
  if (state.newestIndex <= last) return null;
  return last === 0 || state.newestIndex - last > LINES_MAX ? 0 : last + 1;
}

/** The process of whoever leads; empty when nobody does, or functions do. */
export function leadersProcess({ topology }: MeshState): string {
  return topology?.members[topology.leader]?.process ?? "";
}

/** The store's time now, as far as the page can tell; null before the first news. */
export function storeNow({ clock }: MeshState, steadyMs: number): number | null {
  return clock.offsetMs === null ? null : clock.offsetMs + steadyMs;
}

function timed(state: MeshState, atMs: number, steadyMs: number): MeshState {
  return { ...state, clock: learnt(state.clock, atMs, steadyMs), sinceMs: state.sinceMs ?? atMs };
}

function named(state: MeshState, index: number): MeshState {
  return index > state.newestIndex ? { ...state, newestIndex: index } : state;
}

function withTopology(state: MeshState, topology: Topology, steadyMs: number): MeshState {
  const { term, leader, at_ms: atMs, applied_index: index } = topology;
  const terms = leader === "" ? state.terms : seen(state.terms, term, leader, atMs);
  return named(timed({ ...state, topology, terms }, atMs, steadyMs), index);
}

function withBeats(state: MeshState, beats: readonly BeatSeen[], steadyMs: number): MeshState {
  const fresh = beats.filter((beat) => isNews(beat, state.beats.get(beat.process)));
  let after: MeshState = { ...state, beats: new Map(beats.map((beat) => [beat.process, beat])) };
  for (const beat of fresh) {
    after = timed(after, beat.atMs, steadyMs);
    after = named(after, Math.max(0, ...Object.values(beat.applied)));
  }
  return { ...after, terms: withLeadersLife(after, fresh), sightings: countedBeats(after.sightings, fresh) };
}

function isNews(beat: BeatSeen, before: BeatSeen | undefined): boolean {
  return before === undefined || before.inc !== beat.inc || before.seq !== beat.seq;
}

/** A sign of life of the leader's process shows that its term goes on; one from before the term says nothing of it. */
function withLeadersLife(state: MeshState, fresh: readonly BeatSeen[]): readonly Term[] {
  const { topology, terms } = state;
  const beat = fresh.find((each) => each.process === leadersProcess(state));
  if (topology === null || beat === undefined || beat.atMs < topology.at_ms) return terms;
  if (terms.some((each) => each.term > topology.term)) return terms;
  return seen(terms, topology.term, topology.leader, beat.atMs);
}

function countedBeats(sightings: Sightings, fresh: readonly BeatSeen[]): Sightings {
  const clients = fresh.filter((beat) => beat.process.startsWith(CLIENT_PROCESS_PREFIX)).length;
  return {
    ...sightings,
    beats: sightings.beats + fresh.length - clients,
    clientBeats: sightings.clientBeats + clients,
  };
}

function withLog(state: MeshState, page: LogPage): MeshState {
  const last = state.lines[state.lines.length - 1]?.index ?? 0;
  const fresh = page.lines.filter((line) => line.index > last);
  const first = fresh[0];
  // A log that was read from its end again has a hole, and what lies before the hole is let go.
  const kept = first !== undefined && first.index > last + 1 ? [] : state.lines;
  const isLater = last > 0; // the first page tells of what was before the console listened
  const commands = fresh.reduce((sum, line) => sum + line.commands, 0);
  const { sightings } = state;
  const counted = { ...sightings, entries: sightings.entries + fresh.length, commands: sightings.commands + commands };
  // Where nothing more is to be had, nothing is wanted, whatever was named: the mesh may have been made anew.
  const told = fresh.length === 0 ? { ...state, newestIndex: page.last_index } : named(state, page.last_index);
  return {
    ...told,
    lines: [...kept, ...fresh].slice(-LINES_MAX),
    terms: seenInLog(state.terms, fresh),
    sightings: isLater ? counted : sightings,
  };
}
