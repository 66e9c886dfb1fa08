import { describe, expect, it } from "vitest";
import type { AuditRecord, LogLine, LogPage } from "../../../web_worker/agent/generated/types.ts";
import type { BeatSeen, Topology } from "../../../web_worker/agent/operator_protocol.ts";
import { LINES_MAX, advance, leadersProcess, logWanted, storeNow } from "../../../web_worker/console/mesh_state.ts";
import { NOTHING, after, failover } from "./moments.ts";

const T0 = 1_000_000;

function line(index: number, changes: Partial<LogLine> = {}): LogLine {
  const at_ms = T0 + index;
  return { index, term: 1, leader: "m1", asked_ms: 0, at_ms, stored_ms: at_ms, commands: 1, events: [], ...changes };
}

function page(from: number, to: number, changes: Partial<LogLine> = {}): { type: "log"; page: LogPage } {
  const lines = Array.from({ length: to - from + 1 }, (_, place) => line(from + place, changes));
  return { type: "log", page: { lines, first_index: 1, last_index: to } };
}

function topology(changes: Partial<Topology> = {}): { type: "topology"; topology: Topology } {
  const members = { m1: { type: "manager", process: "pm1" }, m2: { type: "manager", process: "pm2" } };
  const shown = { applied_index: 1, at_ms: T0, term: 1, leader: "m1", status: "open" as const, members };
  return { type: "topology", topology: { ...shown, voters: { managers: ["m1", "m2"] }, ...changes } };
}

function beats(...each: readonly Partial<BeatSeen>[]): { type: "beats"; beats: readonly BeatSeen[] } {
  const blank = { process: "pm1", inc: "a", seq: 1, intervalMs: 1000, atMs: T0, agents: {}, applied: {}, lateness: 0 };
  return { type: "beats", beats: each.map((beat) => ({ ...blank, ...beat })) };
}

describe("the store's time", () => {
  it("is what the news says that arrived the quickest, and goes on by the page's steady clock", () => {
    let state = advance(NOTHING, beats({ atMs: T0 }), 500);
    state = advance(state, beats({ seq: 2, atMs: T0 + 2000 }), 2700);
    expect(storeNow(state, 3000)).toBe(T0 + 2500);
    expect(storeNow(NOTHING, 3000)).toBeNull();
  });

  it("is not told by a sign of life that was seen before", () => {
    const state = advance(advance(NOTHING, beats({ atMs: T0 }), 500), beats({ atMs: T0 }), 100);
    expect(storeNow(state, 500)).toBe(T0);
  });
});

describe("signs of life", () => {
  it("are counted once each, those of clients apart", () => {
    const both = beats({ seq: 7 }, { process: "client-w1", seq: 3 });
    const state = after(NOTHING, 0, both, both, beats({ seq: 8 }, { process: "client-w1", seq: 3 }));
    expect(state.sightings).toMatchObject({ beats: 2, clientBeats: 1 });
  });

  it("of a new run count although their number is lower", () => {
    expect(after(NOTHING, 0, beats({ seq: 9 }), beats({ inc: "b", seq: 1 })).sightings.beats).toBe(2);
  });

  it("of a process that is gone are gone", () => {
    expect([...after(NOTHING, 0, beats({}, { process: "pm2" }), beats({})).beats.keys()]).toEqual(["pm1"]);
  });

  it("of the leader's process lengthen its term; those of others and of before it do not", () => {
    const lastOf = (...news: Parameters<typeof after>[2][]) => after(NOTHING, 0, topology(), ...news).terms[0]?.lastMs;
    expect(lastOf(beats({ atMs: T0 + 3000 }))).toBe(T0 + 3000);
    expect(lastOf(beats({ process: "pm2", atMs: T0 + 3000 }))).toBe(T0);
    expect(lastOf(beats({ atMs: T0 - 3000 }))).toBe(T0);
  });

  it("of a leader that was deposed do not lengthen a term that is over", () => {
    const news = page(5, 5, { term: 2, leader: "m2", at_ms: T0 + 1000, stored_ms: T0 + 1000 });
    const state = after(NOTHING, 0, topology(), news, beats({ atMs: T0 + 9000 }));
    expect(state.terms.map(({ term, lastMs }) => [term, lastMs])).toEqual([[1, T0], [2, T0 + 1000]]);
  });
});

describe("the log", () => {
  it("is wanted from its end at first, then from where it was read, and not at all when it is up to date", () => {
    expect(logWanted(NOTHING)).toBeNull();
    const told = after(NOTHING, 0, topology({ applied_index: 9 }));
    expect(logWanted(told)).toBe(0);
    const read = after(told, 0, page(5, 9));
    expect(logWanted(read)).toBeNull();
    expect(logWanted(after(read, 0, beats({ applied: { m1: 12, m2: 11 } })))).toBe(10);
    expect(logWanted(after(read, 0, { type: "public", appliedIndex: 10, atMs: T0 }))).toBe(10);
    expect(logWanted(after(read, 0, { type: "health", health: { applied_index: 9, processes: {} } }))).toBeNull();
  });

  it("is read from its end again when it has grown by more than is kept, and what lies before the hole is let go", () => {
    const read = after(NOTHING, 0, page(1, 5), topology({ applied_index: 6 + LINES_MAX }));
    expect(logWanted(read)).toBe(0);
    expect(after(read, 0, page(150, 206)).lines.map(({ index }) => index)[0]).toBe(150);
  });

  it("keeps its latest entries, each once, however pages overlap", () => {
    const state = after(NOTHING, 0, page(1, 100), page(90, 180), page(181, 250));
    expect(state.lines.map(({ index }) => index)).toEqual(Array.from({ length: LINES_MAX }, (_, place) => 51 + place));
  });

  it("is not asked for again and again when it is shorter than something has named", () => {
    const misled = after(NOTHING, 0, page(1, 5), topology({ applied_index: 9 }), page(6, 5));
    expect(logWanted(misled)).toBeNull();
  });

  it("counts for the bill what has happened since the console looks, not what was before", () => {
    expect(after(NOTHING, 0, page(1, 50)).sightings).toMatchObject({ entries: 0, commands: 0 });
    expect(after(NOTHING, 0, page(1, 50), page(51, 53)).sightings).toMatchObject({ entries: 3, commands: 3 });
  });
});

it("shows the trail as it was last told", () => {
  const records = [{ number: 4 }] as unknown as AuditRecord[];
  expect(advance(NOTHING, { type: "audit", records }, 0).audit).toBe(records);
});

it("says how the line is", () => {
  expect(advance(NOTHING, { type: "line", state: "ENDED" }, 0).line).toBe("ENDED");
});

it("knows the leader's process, and none when nobody or a function leads", () => {
  expect(leadersProcess(after(NOTHING, 0, topology()))).toBe("pm1");
  expect(leadersProcess(after(NOTHING, 0, topology({ leader: "@functions" })))).toBe("");
  expect(leadersProcess(NOTHING)).toBe("");
});

it("makes of what a real mesh told after its leader's death who led and who leads", () => {
  const { terms, topology: shown, line: state, newestIndex } = failover();
  expect(terms.map(({ term, leader }) => [term, leader])).toEqual([[1, "m1"], [2, "m3"]]);
  expect([shown?.leader, shown?.term, state, newestIndex]).toEqual(["m3", 2, "CONNECTED", 28]);
});
