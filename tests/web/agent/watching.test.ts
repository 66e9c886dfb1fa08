import { describe, expect, it } from "vitest";
import { HEARTBEAT } from "../../../web_worker/agent/generated/constants.ts";
import { BLANK, newState } from "../../../web_worker/agent/model.ts";
import { World } from "./worlds.ts";

const TOKEN = { inc: "", process: "", custom_token: "token" };

function watching(): World {
  const world = new World();
  world.state = newState("", HEARTBEAT, false, true);
  world.do({ type: "started", memory: BLANK, durable: true, admission: null });
  return world.do({ type: "admitted", admission: TOKEN }).hear({ type: "opened" });
}

describe("a spectator", () => {
  it("listens to what all may see, and does nothing else", () => {
    const world = watching().hear({ type: "live", live: true });
    expect(world.status).toMatchObject({ connection: "CONNECTED", inc: "" });
    expect(world.wanted("watch").map(({ what }) => what)).toEqual(["public", "topology"]);
    world.do({ type: "wake" }).do({ type: "heartbeat", shown: "running" });
    expect([...world.wanted("submit"), ...world.wanted("write_beat"), ...world.wanted("write_state")]).toEqual([]);
    expect(world.effects.filter(({ type }) => type === "save")).toEqual([]);
  });

  it("is refused what only an agent does", () => {
    const world = watching();
    expect([world.answerTo(world.send()), world.answerTo(world.update({ a: 1 }))]).toEqual(["INVALID", "INVALID"]);
  });

  it("that is shut out asks for another token; the control plane knows why", () => {
    const world = watching().hear({ type: "watch_failed", what: "public", failure: "DENIED" }).ring("admit");
    world.do({ type: "not_admitted", failure: "REFUSED", text: "the game is over", retryAfterMs: 0 });
    expect(world.status).toMatchObject({ connection: "LOST", reason: "TICKET_REFUSED" });
  });

  it("stops at once", () => {
    expect(watching().do({ type: "stop" }).status.connection).toBe("STOPPED");
  });
});
