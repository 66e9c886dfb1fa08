import { describe, expect, it } from "vitest";
import { DOLLARS } from "../../../web_worker/agent/generated/constants.ts";
import type { LogLine } from "../../../web_worker/agent/generated/types.ts";
import { NOTHING_SEEN, dollars, estimate } from "../../../web_worker/console/costs.ts";
import { GAP_MS_MIN, TERMS_MAX, type Term, gaps, seen, seenInLog } from "../../../web_worker/console/terms.ts";
import { waitsOf } from "../../../web_worker/console/waits.ts";
import { ago, count, duration, money } from "../../../web_worker/console/words.ts";

function entry(waitedMs: number | null, changes: Partial<LogLine> = {}): LogLine {
  const asked_ms = waitedMs === null ? 0 : 1000;
  const times = { asked_ms, at_ms: 1000, stored_ms: 1000 + (waitedMs ?? 0) };
  return { index: 1, term: 1, leader: "m1", commands: 1, events: [], ...times, ...changes };
}

describe("terms", () => {
  it("last from the first to the last sight of them, in whatever order these come", () => {
    const terms = [5, 1, 9].reduce<readonly Term[]>((history, at) => seen(history, 1, "m1", at), []);
    expect(terms).toEqual([{ term: 1, leader: "m1", fromMs: 1, lastMs: 9 }]);
  });

  it("stand in order, the latest of many, and get a name when one is known", () => {
    const all = Array.from({ length: TERMS_MAX + 5 }, (_, place) => 100 - place);
    const terms = all.reduce<readonly Term[]>((history, term) => seen(history, term, "", term), []);
    expect(terms).toHaveLength(TERMS_MAX);
    expect(terms.map(({ term }) => term)).toEqual([...terms.map(({ term }) => term)].sort((one, other) => one - other));
    expect(seen(terms, 100, "m2", 100).find(({ term }) => term === 100)?.leader).toBe("m2");
    expect(seen(seen([], 1, "m1", 1), 1, "", 2)[0]?.leader).toBe("m1");
  });

  it("leave a gap where nobody led for longer than a handover takes", () => {
    const lines = [entry(0), entry(0, { term: 2, leader: "m2", at_ms: 5000, stored_ms: 5010 })];
    expect(gaps(seenInLog([], lines))).toEqual([{ term: 2, fromMs: 1000, toMs: 5000 }]);
    const near = [entry(0), entry(0, { term: 2, at_ms: 999 + GAP_MS_MIN, stored_ms: 999 + GAP_MS_MIN })];
    expect(gaps(seenInLog([], near))).toEqual([]);
  });
});

describe("waits", () => {
  it("are told of entries with a request alone, and of none there are none", () => {
    expect(waitsOf([])).toBeNull();
    expect(waitsOf([entry(null)])).toBeNull();
    expect(waitsOf([entry(null), entry(20)])).toEqual({ count: 1, medianMs: 20, p95Ms: 20, mostMs: 20 });
  });

  it("are ranked, and never negative", () => {
    const lines = Array.from({ length: 100 }, (_, place) => entry(place + 1));
    expect(waitsOf(lines.reverse())).toEqual({ count: 100, medianMs: 50, p95Ms: 95, mostMs: 100 });
    expect(waitsOf([entry(-5)])?.mostMs).toBe(0);
  });
});

describe("costs", () => {
  const audience = { managers: 3, members: 12, watchedMs: 60_000, renewMs: 1000 };

  it("of an idle mesh are its renewals, and who reads them", () => {
    expect(estimate(NOTHING_SEEN, audience)).toEqual({ reads: 120, writes: 60, deletes: 0 });
    expect(estimate(NOTHING_SEEN, { ...audience, managers: 0 })).toEqual({ reads: 0, writes: 0, deletes: 0 });
  });

  it("grow with entries, commands and signs of life; an entry renews as well", () => {
    const sightings = { beats: 5, clientBeats: 2, entries: 10, commands: 20 };
    expect(estimate(sightings, audience)).toEqual({
      reads: 7 + 4 + 10 * 14 + 20 + 50 * 2,
      writes: 7 + 30 + 20 + 50,
      deletes: 20,
    });
  });

  it("are priced by the list", () => {
    const priced = dollars({ reads: 1e6, writes: 2e6, deletes: 3e6 });
    expect(priced).toBeCloseTo(1e6 * DOLLARS.reads + 2e6 * DOLLARS.writes + 3e6 * DOLLARS.deletes, 9);
  });
});

it("says times and numbers as people read them", () => {
  expect([999, 3400, 92_000].map(duration)).toEqual(["999 ms", "3.4 s", "1 min 32 s"]);
  expect([400, 3900, 61_000].map(ago)).toEqual(["now", "3 s ago", "1 min 1 s ago"]);
  expect([0.0000123, 1.5].map(money)).toEqual(["$0.000012", "$1.5000"]);
  expect(count(12345)).toBe("12,345");
});
