import { describe, expect, it } from "vitest";
import { reduce } from "../../../web_worker/agent/reducer.ts";
import { INC, NEXT_INC, World, admission, rowOf } from "./worlds.ts";

describe("a new agent", () => {
  it("is admitted, signs in, asks to join in the one form that is allowed, and is connected when the roster says so", () => {
    const world = World.started();
    expect(world.asked()).toBe(1);
    world.do({ type: "admitted", admission: admission() });
    expect(world.wanted("open")).toMatchObject([{ customToken: `token of ${INC}`, run: { inc: INC } }]);
    world.hear({ type: "opened" });
    const payload = '{"process":"client-a1","replaces":[],"type":"worker"}';
    expect(world.wanted("submit")).toEqual([{ type: "submit", seq: 1, kind: "mesh.join", payload }]);
    expect(world.wanted("watch").map(({ what }) => what)).toEqual(["row", "refusal"]);
    world.hear({ type: "submitted", seq: 1 }).hear({ type: "live", live: true }).hear({ type: "row", row: rowOf() });
    expect(world.status.connection).toBe("CONNECTING"); // its views are not in step yet
    world.hear({ type: "live", live: true });
    expect(world.status).toMatchObject({ connection: "CONNECTED", inc: INC, reason: "", text: "" });
    expect(world.wanted("watch").map(({ what }) => what)).toEqual(["public", "own"]);
    expect(world.saved).toMatchObject({ sent: 1, run: { inc: INC, joined: true } });
  });

  it("takes the admission that the page brings along, and asks for none", () => {
    const start = { type: "started", memory: World.started().state.memory, durable: true, admission: admission() } as const;
    const world = new World().do(start);
    expect(world.asked()).toBe(0);
    expect(world.wanted("open")).toHaveLength(1);
    expect(world.saved.run?.inc).toBe(INC);
  });

  it("says after a while that nobody answers its join, and goes on waiting", () => {
    const world = World.entering().ring("leader");
    expect(world.status).toMatchObject({ connection: "CONNECTING", reason: "NO_LEADER" });
    expect(world.beMember().status.connection).toBe("CONNECTED");
  });

  it("sends its join again when the store did not take it", () => {
    const world = World.started().do({ type: "admitted", admission: admission() }).hear({ type: "opened" });
    const [join] = world.wanted("submit");
    world.hear({ type: "submit_failed", seq: 1, failure: "UNAVAILABLE" }).ring("send");
    expect(world.wanted("submit")).toEqual([join]);
  });

  it.each([
    ["MESH_FULL", "NO_PLACE"],
    ["MESH_DRAINING", "NO_PLACE"],
    ["MESH_CLOSED", "MESH_GONE"],
    ["MALFORMED", "BROKEN"],
  ] as const)("whose join is refused as %s is lost: %s", (reason, lost) => {
    const world = World.entering().hear({ type: "refusal", reason, detail: "why" });
    expect(world.status).toMatchObject({ connection: "LOST", reason: lost });
    expect(world.status.text).toContain(reason);
  });

  it("takes no notice of the refusal of a second copy of its join", () => {
    const world = World.entering().hear({ type: "refusal", reason: "ALREADY_ORDERED", detail: "" });
    expect(world.beMember().status.connection).toBe("CONNECTED");
  });
});

describe("the control plane", () => {
  it("that does not answer is asked again, after longer and longer pauses", () => {
    const world = World.started();
    const pauses = [1, 2, 3, 4, 5, 6, 7].map(() => {
      world.do({ type: "not_admitted", failure: "UNAVAILABLE", text: "", retryAfterMs: 0 });
      const pause = world.timers.get("admit");
      world.ring("admit");
      return pause;
    });
    expect(pauses).toEqual([250, 500, 1000, 2000, 5000, 10_000, 10_000]);
  });

  it("that says how long to wait is believed", () => {
    const world = World.started().do({ type: "not_admitted", failure: "UNAVAILABLE", text: "", retryAfterMs: 7000 });
    expect(world.timers.get("admit")).toBe(7000);
  });

  it.each([
    ["REFUSED", "TICKET_REFUSED"],
    ["MESH_GONE", "MESH_GONE"],
    ["NO_PLACE", "NO_PLACE"],
    ["BROKEN", "BROKEN"],
  ] as const)("that answers %s ends the agent as %s", (failure, reason) => {
    const world = World.started().do({ type: "not_admitted", failure, text: "in its own words", retryAfterMs: 0 });
    expect(world.status).toMatchObject({ connection: "LOST", reason });
    expect(world.status.text).toContain("in its own words");
  });

  it("is asked at once when the page is looked at again", () => {
    const world = World.started().do({ type: "not_admitted", failure: "UNAVAILABLE", text: "", retryAfterMs: 60_000 });
    world.asked();
    expect(world.do({ type: "wake" }).asked()).toBe(1);
    expect(world.do({ type: "wake" }).asked()).toBe(0);
  });

  it("is asked for a minute while another run has the agent's id; then that run counts as living", () => {
    const world = World.started();
    let waited = 0;
    for (let tries = 0; tries < 20; tries++) {
      world.do({ type: "not_admitted", failure: "IN_USE", text: "", retryAfterMs: 0 });
      if (!world.timers.has("admit")) break;
      expect(world.status.reason).toBe("EARLIER_RUN");
      waited += world.timers.get("admit") ?? 0;
      world.ring("admit");
    }
    expect(world.status.reason).toBe("TAKEN_OVER");
    expect(waited).toBe(60_000);
  });
});

describe("a reload", () => {
  it("goes on with the run that the mesh knows, without another admission or join", () => {
    const world = World.member().reloaded();
    expect(world.asked()).toBe(0);
    expect(world.wanted("open")).toMatchObject([{ customToken: null, run: { inc: INC, joined: true } }]);
    world.hear({ type: "opened" });
    expect(world.wanted("submit")).toEqual([]);
    expect(world.beMember().status.connection).toBe("CONNECTED");
  });

  it("before the join was answered sends the same join", () => {
    const before = World.started().do({ type: "admitted", admission: admission() }).hear({ type: "opened" });
    const [join] = before.wanted("submit");
    expect(before.reloaded().hear({ type: "opened" }).wanted("submit")).toEqual([join]);
  });

  it("whose join was ordered meanwhile finds itself a member", () => {
    const world = World.entering().reloaded().hear({ type: "opened" });
    world.hear({ type: "submit_failed", seq: 1, failure: "DENIED" });
    world.hear({ type: "looked", seq: 1, look: { waiting: false, refused: null, row: rowOf(), beat: 1 } });
    expect(world.hear({ type: "live", live: true }).status.connection).toBe("CONNECTED");
  });

  it("after the sign-in was lost asks for a new admission", () => {
    const world = World.member().reloaded().hear({ type: "open_failed", failure: "SIGNED_OUT" }).ring("admit");
    expect(world.asked()).toBe(1);
  });

  it("without network tries to sign in until it can", () => {
    const world = World.member().reloaded();
    world.wanted("open");
    world.hear({ type: "open_failed", failure: "UNAVAILABLE" });
    expect(world.status).toMatchObject({ connection: "CONNECTING", reason: "NO_ANSWER" });
    expect(world.ring("open").wanted("open")).toHaveLength(1);
  });
});

describe("the roster", () => {
  it("that says dead leads to a new run, which joins again", () => {
    const world = World.member().hear({ type: "row", row: rowOf(INC, "dead", 8) });
    expect(world.status).toMatchObject({ connection: "SUSPENDED", reason: "DECLARED_DEAD" });
    expect(world.wanted("close")).toHaveLength(1);
    expect(world.asked()).toBe(1);
    world.do({ type: "admitted", admission: admission(NEXT_INC) }).hear({ type: "opened" });
    expect(world.wanted("submit")).toMatchObject([{ seq: 1, kind: "mesh.join" }]);
    world.hear({ type: "row", row: rowOf(INC, "dead", 8) });
    expect(world.asked()).toBe(0);
    expect(world.beMember(NEXT_INC, 11).status).toMatchObject({ connection: "CONNECTED", inc: NEXT_INC });
  });

  it.each([
    ["left", rowOf(INC, "left", 8), "REMOVED"],
    ["nothing any more", null, "MESH_GONE"],
    ["that another run lives", rowOf(NEXT_INC, "alive", 8), "TAKEN_OVER"],
  ] as const)("that says %s ends the agent", (_, row, reason) => {
    const world = World.member();
    const call = world.send();
    world.hear({ type: "row", row });
    expect(world.status).toMatchObject({ connection: "LOST", reason });
    expect(world.answerTo(call)).toBe("UNKNOWN");
    expect([world.saved.run, world.saved.open]).toEqual([null, null]);
  });

  it("that says nothing yet is no end to one who is about to join", () => {
    const world = World.entering().hear({ type: "row", row: null }).hear({ type: "row", row: rowOf(NEXT_INC, "dead", 3) });
    expect(world.status.connection).toBe("CONNECTING");
  });

  it("that repeats what was before the join changes nothing", () => {
    const world = World.member().hear({ type: "row", row: rowOf(NEXT_INC, "alive", 4) });
    expect(world.status.connection).toBe("CONNECTED");
  });

  it("that shows a later run which has ended, too, leads to a new one", () => {
    const world = World.member().reloaded().hear({ type: "opened" }).hear({ type: "row", row: rowOf(NEXT_INC, "dead", 8) });
    expect(world.asked()).toBe(1);
  });
});

describe("the connection", () => {
  it("is SUSPENDED while the listeners are out of step, and CONNECTED when they are not", () => {
    const world = World.member().hear({ type: "live", live: false });
    expect(world.status).toMatchObject({ connection: "SUSPENDED", reason: "NO_ANSWER" });
    expect(world.hear({ type: "live", live: true }).status.connection).toBe("CONNECTED");
  });

  it("that leaves a request without an answer is taken up anew, whatever the listeners believe", () => {
    const world = World.member();
    world.send();
    world.ring("answer");
    expect(world.wanted("reconnect")).toEqual([]);
    expect(world.ring("answer").wanted("reconnect")).toHaveLength(1);
    expect(world.status).toMatchObject({ connection: "SUSPENDED", reason: "NO_ANSWER" });
    expect(world.hear({ type: "submitted", seq: 2 }).status.connection).toBe("CONNECTED");
    expect(world.timers.has("answer")).toBe(false);
  });

  it("is taken up anew when the page is looked at again, if it is not in step", () => {
    const world = World.member();
    expect(world.do({ type: "wake" }).wanted("reconnect")).toEqual([]);
    expect(world.hear({ type: "live", live: false }).do({ type: "wake" }).wanted("reconnect")).toHaveLength(1);
  });

  it("is not believed in while the browser has no network: nothing new is tried that could not be taken back", () => {
    const world = World.member().do({ type: "offline" });
    expect(world.status).toMatchObject({ connection: "SUSPENDED", reason: "NO_ANSWER" });
    world.send();
    expect(world.wanted("submit")).toEqual([]);
    expect(world.do({ type: "wake" }).wanted("reconnect")).toHaveLength(1);
    world.hear({ type: "live", live: true });
    expect([world.status.connection, world.wanted("submit").length]).toEqual(["CONNECTED", 1]);
  });

  it("of a run before is not heard", () => {
    const world = World.member();
    const old = world.state.link;
    world.hear({ type: "row", row: rowOf(INC, "dead", 8) }).do({ type: "admitted", admission: admission(NEXT_INC) });
    world.hear({ type: "opened" });
    world.do({ type: "link", link: old, event: { type: "row", row: rowOf(NEXT_INC, "left", 9) } });
    expect(world.status).toMatchObject({ connection: "SUSPENDED", inc: NEXT_INC });
  });

  it("that turns away again and again whom the control plane admits ends as a fault of the set-up", () => {
    const world = World.started();
    for (let count = 0; count < 5; count++) {
      world.do({ type: "admitted", admission: admission() }).hear({ type: "opened" });
      world.hear({ type: "watch_failed", what: "row", failure: "DENIED" });
      if (world.timers.has("admit")) world.ring("admit");
    }
    expect(world.status).toMatchObject({ connection: "LOST", reason: "BROKEN" });
  });

  it("whose token cannot be renewed leads to a new admission", () => {
    const world = World.member().hear({ type: "watch_failed", what: "row", failure: "SIGNED_OUT" }).ring("admit");
    expect(world.asked()).toBe(1);
  });

  it("opens a listener again that has failed", () => {
    const world = World.member().hear({ type: "watch_failed", what: "public", failure: "DENIED" });
    expect(world.ring("watch").wanted("watch")).toEqual([{ type: "watch", what: "public" }]);
  });
});

describe("the end", () => {
  it("by another tab leaves the memory to that tab", () => {
    const world = World.member().hear({ type: "live", live: false });
    world.send();
    world.effects = [];
    world.do({ type: "ousted" });
    expect(world.status).toMatchObject({ connection: "LOST", reason: "OTHER_TAB", unsent: 1 });
    expect(world.effects.filter(({ type }) => type === "save")).toEqual([]);
    expect(world.outcomes).toEqual([]);
  });

  it("is final: nothing that happens afterwards has an effect", () => {
    const world = World.member().do({ type: "ousted" });
    expect(reduce(world.state, { type: "wake" })).toEqual({ state: world.state, effects: [] });
  });
});
