import { describe, expect, it } from "vitest";
import { STATE_BYTES_MAX } from "../../../web_worker/agent/generated/constants.ts";
import { INC, NEXT_INC, World } from "./worlds.ts";

describe("the agent's own state", () => {
  it("is merged, kept in the browser, and answered when the store has it", () => {
    const world = World.member();
    const call = world.update({ mood: "calm" });
    expect(world.saved).toMatchObject({ version: 1, values: { mood: "calm" }, stored: 0 });
    expect(world.wanted("write_state")).toEqual([{ type: "write_state", version: 1, values: { mood: "calm" } }]);
    expect(world.answerTo(call)).toBeUndefined();
    world.hear({ type: "state_written", version: 1 });
    expect([world.answerTo(call), world.saved.stored]).toEqual([1, 1]);
  });

  it("is written once for all that changed while the store was busy or at rest", () => {
    const world = World.member();
    const calls = [world.update({ a: 1 }), world.update({ b: 2 }), world.update({ c: 3 })];
    expect(world.wanted("write_state")).toHaveLength(1);
    world.hear({ type: "state_written", version: 1 });
    expect(world.wanted("write_state")).toEqual([]);
    expect(world.ring("state").wanted("write_state")).toMatchObject([{ version: 3, values: { a: 1, b: 2, c: 3 } }]);
    world.hear({ type: "state_written", version: 3 });
    expect(calls.map((call) => world.answerTo(call))).toEqual([1, 3, 3]);
  });

  it("that the store has not surely got is written again after a reload", () => {
    const before = World.member();
    before.update({ mood: "cross" });
    const world = before.reloaded();
    expect(world.told).toContainEqual({ type: "state", values: { mood: "cross" }, version: 1 });
    world.hear({ type: "opened" }).hear({ type: "beat_read", count: 2 });
    world.beMember();
    world.do({ type: "wake" });
    expect(world.state.storing).toBe("write");
  });

  it("that is denied because a copy was taken counts as written", () => {
    const world = World.member();
    const call = world.update({ a: 1 });
    world.hear({ type: "state_failed", failure: "DENIED" });
    expect(world.wanted("read_state")).toHaveLength(1);
    world.hear({ type: "state_read", version: 1, inc: INC });
    expect(world.answerTo(call)).toBe(1);
  });

  it("that is denied because a later version is there tops that version", () => {
    const world = World.member();
    const call = world.update({ a: 1 });
    world.wanted("write_state");
    world.hear({ type: "state_failed", failure: "DENIED" });
    world.hear({ type: "state_read", version: 7, inc: NEXT_INC }).ring("state");
    expect(world.wanted("write_state")).toMatchObject([{ version: 8 }]);
    world.hear({ type: "state_written", version: 8 });
    expect(world.answerTo(call)).toBe(8);
  });

  it.each([
    ["too large", { text: "x".repeat(STATE_BYTES_MAX) }],
    ["of too many fields", Object.fromEntries(Array.from({ length: 101 }, (_, number) => [`f${number}`, 0]))],
    ["no JSON", { f: () => 0 }],
  ])("that would be %s is refused, and nothing has changed", (_, changes) => {
    const world = World.member();
    expect(world.answerTo(world.update(changes))).toBe("INVALID");
    expect([world.state.memory.version, world.wanted("write_state")]).toEqual([0, []]);
  });
});
