import { describe, expect, it } from "vitest";
import { HEARTBEAT } from "../../../web_worker/agent/generated/constants.ts";
import { INC, World, rowOf } from "./worlds.ts";

describe("signs of life", () => {
  it("start with membership, from one, and go on in the rhythm of an active agent", () => {
    const world = World.entering();
    expect(world.wanted("write_beat")).toEqual([]);
    world.hear({ type: "row", row: rowOf() });
    expect(world.wanted("write_beat")).toEqual([
      { type: "write_beat", seq: 1, intervalMs: HEARTBEAT.activeMs, shown: "running", lateness: 0 },
    ]);
    world.hear({ type: "beaten", seq: 1 });
    expect(world.timers.get("beat")).toBe(HEARTBEAT.activeMs);
    expect(world.ring("rest").ring("beat").wanted("write_beat")).toMatchObject([{ seq: 2 }]);
  });

  it("leave the store the rest that the rules demand", () => {
    const world = World.member().do({ type: "heartbeat", shown: "failed" });
    expect(world.wanted("write_beat")).toEqual([]);
    expect(world.ring("rest").wanted("write_beat")).toMatchObject([{ seq: 2, shown: "failed" }]);
  });

  it("go on after a reload from the number that the store has", () => {
    const world = World.member().reloaded().hear({ type: "opened" }).hear({ type: "row", row: rowOf() });
    expect(world.wanted("write_beat")).toEqual([]);
    expect(world.wanted("read_beat")).toHaveLength(1);
    expect(world.hear({ type: "beat_read", count: 41 }).wanted("write_beat")).toMatchObject([{ seq: 42 }]);
  });

  it("whose answer is missing are counted by looking", () => {
    const world = World.member().ring("rest").ring("beat");
    world.wanted("write_beat");
    world.hear({ type: "beat_failed", failure: "UNAVAILABLE" }).ring("beat");
    expect(world.wanted("read_beat")).toHaveLength(1);
    expect(world.hear({ type: "beat_read", count: 2 }).wanted("write_beat")).toMatchObject([{ seq: 3 }]);
  });

  it("begin anew when the leader has cleared the document away", () => {
    const world = World.member().ring("rest").ring("beat").hear({ type: "beat_failed", failure: "DENIED" }).ring("beat");
    world.effects = [];
    expect(world.hear({ type: "beat_read", count: null }).wanted("write_beat")).toMatchObject([{ seq: 1 }]);
  });

  it("that are denied to one who may not even look lead to the control plane", () => {
    const world = World.member().ring("rest").ring("beat").hear({ type: "beat_failed", failure: "DENIED" }).ring("beat");
    world.hear({ type: "beat_failed", failure: "DENIED" }).ring("admit");
    expect(world.asked()).toBe(1);
  });

  it("are never two at once", () => {
    const world = World.member().ring("rest").ring("beat").do({ type: "heartbeat", shown: "failed" }).do({ type: "wake" });
    expect(world.wanted("write_beat")).toHaveLength(1);
  });

  it("grow rare when nothing happens, and come at once when something does", () => {
    const world = World.member().see({ phase: "night" }).ring("rest").ring("idle").ring("beat");
    expect(world.wanted("write_beat")).toMatchObject([{ intervalMs: HEARTBEAT.idleMs }]);
    world.hear({ type: "beaten", seq: 2 }).ring("asleep").ring("rest").ring("beat");
    expect(world.wanted("write_beat")).toMatchObject([{ intervalMs: HEARTBEAT.asleepMs }]);
    world.hear({ type: "beaten", seq: 3 }).ring("rest").see({ phase: "day" }, 10);
    expect(world.wanted("write_beat")).toMatchObject([{ seq: 4, intervalMs: HEARTBEAT.activeMs }]);
  });

  it("say how late the worker itself runs", () => {
    const world = World.member().ring("rest").ring("beat", true);
    expect(world.wanted("write_beat")).toMatchObject([{ lateness: 1 }]);
    world.hear({ type: "beaten", seq: 2 }).ring("rest").ring("beat");
    expect(world.wanted("write_beat")).toMatchObject([{ lateness: 0 }]);
  });

  it("stop with the run", () => {
    const world = World.member().ring("rest").hear({ type: "row", row: rowOf(INC, "left", 9) });
    expect(world.timers.has("beat")).toBe(false);
  });
});
