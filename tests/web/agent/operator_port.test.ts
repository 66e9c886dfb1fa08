import { describe, expect, it } from "vitest";
import { beatIn } from "../../../web_worker/agent/operator_port.ts";
import { milliseconds } from "../../../web_worker/agent/firestore_port.ts";

const BEAT = { process: "p1", inc: "a", seq: 3, interval_ms: 2000, agents: { w1: "late" }, applied: { m1: 9 }, lateness: 1 };
const STAMP = { seconds: 1_700_000_000, nanoseconds: 123_999_999 };

describe("a sign of life", () => {
  it("is told with the store's stamp, to the millisecond", () => {
    expect(beatIn({ ...BEAT, at: STAMP })).toEqual({
      ...{ process: "p1", inc: "a", seq: 3, intervalMs: 2000, atMs: 1_700_000_000_123 },
      ...{ agents: { w1: "late" }, applied: { m1: 9 }, lateness: 1 },
    });
  });

  it.each([{}, { at: null }, { at: STAMP, seq: "3" }, { at: STAMP, process: 7 }, { at: STAMP, interval_ms: null }])(
    "that is none is passed over: %o",
    (changes) => expect(beatIn({ ...BEAT, ...changes })).toBeNull(),
  );
});

it("knows a time that is none yet", () => {
  expect([milliseconds(null), milliseconds({ seconds: "1" }), milliseconds(STAMP)]).toEqual([null, null, 1_700_000_000_123]);
});
