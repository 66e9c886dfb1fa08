import { describe, expect, it } from "vitest";
import { COMMANDS_PER_BEAT, OUTSTANDING_MAX } from "../../../web_worker/agent/generated/constants.ts";
import { QUEUE_MAX } from "../../../web_worker/agent/sending.ts";
import { INC, NEXT_INC, World, admission, rowOf } from "./worlds.ts";

const LOOK = { waiting: false, refused: null, row: rowOf(), beat: 1 };

describe("a command", () => {
  it("is sent when it is saved, and not before", () => {
    const world = World.member();
    world.saves = false;
    world.send();
    expect(world.wanted("submit")).toEqual([]);
    expect(world.saved.open?.kind).toBe("counter.add");
    world.do({ type: "saved", revision: world.state.revision });
    expect(world.wanted("submit")).toEqual([{ type: "submit", seq: 2, kind: "counter.add", payload: '{"n":1}' }]);
  });

  it("is answered with its number when it is in the inbox", () => {
    const world = World.member();
    const call = world.send();
    expect(world.answerTo(call)).toBeUndefined();
    expect(world.status.unsent).toBe(1);
    world.hear({ type: "submitted", seq: 2 });
    expect([world.answerTo(call), world.status.unsent, world.saved.sent]).toEqual([2, 0, 2]);
    expect(world.outcomes).toMatchObject([{ kind: "counter.add", body: { n: 1 }, outcome: "SENT" }]);
  });

  it("waits until the one before is surely there", () => {
    const world = World.member();
    world.send("counter.add", { n: 1 });
    world.send("counter.add", { n: 2 });
    expect(world.wanted("submit")).toHaveLength(1);
    world.hear({ type: "submitted", seq: 2 });
    expect(world.wanted("submit")).toMatchObject([{ seq: 3, payload: '{"n":2}' }]);
  });

  it("is sent although nothing can be stored, and the page is told", () => {
    const world = World.member();
    world.saves = false;
    world.send();
    world.do({ type: "not_saved", revision: world.state.revision });
    expect(world.wanted("submit")).toHaveLength(1);
    expect(world.status.durable).toBe(false);
  });

  it.each([
    ["mesh.leave", {}],
    ["Counter.add", {}],
    ["counter", {}],
    ["counter.add", { n: Number.NaN }],
    ["counter.add", { n: undefined }],
    ["counter.add", { text: "x".repeat(4096) }],
    ["counter.add", [1] as never],
  ])("that the mesh would refuse is not taken: %s %o", (kind, body) => {
    const world = World.member();
    expect(world.answerTo(world.send(kind, body))).toBe("INVALID");
    expect(world.wanted("submit")).toEqual([]);
    expect(world.state.memory.queue).toEqual([]);
  });

  it("too many of which wait is refused, and those before it are kept", () => {
    const world = World.started();
    for (let count = 0; count < QUEUE_MAX; count++) world.send();
    expect(world.answerTo(world.send())).toBe("FULL");
    expect(world.saved.queue).toHaveLength(QUEUE_MAX);
  });
});

describe("a reload in the middle of a send", () => {
  it("sends the same command again under the same number", () => {
    const before = World.member();
    before.send("counter.add", { n: 7 });
    const [first] = before.wanted("submit");
    const world = before.reloaded();
    const run = { inc: INC, process: "client-a1", joined: true };
    expect(world.wanted("open")).toEqual([{ type: "open", run, customToken: null }]);
    world.hear({ type: "opened" }).hear({ type: "beat_read", count: 3 }).hear({ type: "row", row: rowOf() });
    expect(world.asked()).toBe(0);
    expect(world.wanted("submit")).toEqual([first]);
    world.hear({ type: "submitted", seq: 2 });
    expect(world.outcomes).toMatchObject([{ body: { n: 7 }, outcome: "SENT" }]);
  });

  it("keeps those behind it in their order, for the next numbers", () => {
    const before = World.member();
    for (const n of [1, 2, 3]) before.send("counter.add", { n });
    const world = before.reloaded().hear({ type: "opened" }).hear({ type: "beat_read", count: 3 }).beMember();
    expect(world.hear({ type: "submitted", seq: 2 }).wanted("submit")).toMatchObject([{ seq: 3, payload: '{"n":2}' }]);
    expect(world.hear({ type: "submitted", seq: 3 }).wanted("submit")).toMatchObject([{ seq: 4, payload: '{"n":3}' }]);
  });

  it("counts a command that was there already as sent", () => {
    const before = World.member();
    before.send();
    const world = before.reloaded().hear({ type: "opened" }).hear({ type: "beat_read", count: 3 }).beMember();
    world.hear({ type: "submit_failed", seq: 2, failure: "DENIED" });
    expect(world.wanted("look")).toEqual([{ type: "look", seq: 2 }]);
    world.hear({ type: "looked", seq: 2, look: { ...LOOK, waiting: true } });
    expect([world.state.memory.sent, world.outcomes.map(({ outcome }) => outcome)]).toEqual([2, ["SENT"]]);
  });
});

describe("a denial", () => {
  const denied = () => {
    const world = World.member();
    const call = world.send();
    world.hear({ type: "submit_failed", seq: 2, failure: "DENIED" });
    world.effects = [];
    return { world, call };
  };

  it("of a copy of an ordered command is settled by sending once more", () => {
    const { world, call } = denied();
    world.hear({ type: "looked", seq: 2, look: LOOK });
    expect(world.wanted("submit")).toMatchObject([{ seq: 2 }]);
    world.hear({ type: "submitted", seq: 2 });
    expect(world.answerTo(call)).toBe(2);
  });

  it("that is repeated is meant: the command is refused, and its number is free", () => {
    const { world, call } = denied();
    world.hear({ type: "looked", seq: 2, look: LOOK }).hear({ type: "submit_failed", seq: 2, failure: "DENIED" });
    world.hear({ type: "looked", seq: 2, look: LOOK });
    expect(world.answerTo(call)).toBe("REFUSED");
    world.effects = [];
    world.send();
    expect(world.wanted("submit")).toMatchObject([{ seq: 2 }]);
  });

  it("of what the mesh has refused before tells why", () => {
    const { world, call } = denied();
    world.hear({ type: "looked", seq: 2, look: { ...LOOK, refused: "SEQUENCE_GAP" } });
    expect(world.answerTo(call)).toBe("REFUSED");
    expect(world.outcomes.at(-1)?.text).toContain("SEQUENCE_GAP");
  });

  it("for want of a sign of life is mended by one", () => {
    const { world } = denied();
    world.state = { ...world.state, beating: { ...world.state.beating, rested: true } };
    world.hear({ type: "looked", seq: 2, look: { ...LOOK, beat: null } });
    expect(world.wanted("submit")).toEqual([]);
    expect(world.wanted("write_beat")).toMatchObject([{ seq: 1 }]);
    world.hear({ type: "beaten", seq: 1 });
    expect(world.wanted("submit")).toMatchObject([{ seq: 2 }]);
  });

  it("to one who was declared dead leads to a new admission", () => {
    const { world } = denied();
    world.hear({ type: "looked", seq: 2, look: { ...LOOK, row: rowOf(INC, "dead", 8) } });
    expect(world.asked()).toBe(1);
    expect(world.status).toMatchObject({ connection: "SUSPENDED", reason: "DECLARED_DEAD" });
  });

  it("to one who may not even look leads to the control plane, which knows why", () => {
    const { world } = denied();
    world.hear({ type: "look_failed", seq: 2, failure: "DENIED" });
    world.ring("admit");
    expect(world.asked()).toBe(1);
    world.do({ type: "not_admitted", failure: "REFUSED", text: "the key is revoked", retryAfterMs: 0 });
    expect(world.status).toMatchObject({ connection: "LOST", reason: "TICKET_REFUSED" });
    expect(world.status.text).toContain("the key is revoked");
  });

  it("that nobody could look behind is looked behind later", () => {
    const { world } = denied();
    world.hear({ type: "look_failed", seq: 2, failure: "UNAVAILABLE" }).ring("send");
    expect(world.wanted("submit")).toMatchObject([{ seq: 2 }]);
  });
});

describe("the allowance", () => {
  it("lets so many commands pass for each sign of life, and asks for the next one", () => {
    const world = World.member();
    world.state = { ...world.state, memory: { ...world.state.memory, sent: COMMANDS_PER_BEAT } };
    world.hear({ type: "live", live: true }).ring("rest").send();
    expect(world.wanted("submit")).toEqual([]);
    expect(world.wanted("write_beat")).toMatchObject([{ seq: 2 }]);
    world.hear({ type: "beaten", seq: 2 });
    expect(world.wanted("submit")).toMatchObject([{ seq: COMMANDS_PER_BEAT + 1 }]);
  });

  it("stops while too many wait for a leader, and looks again", () => {
    const world = World.member();
    const memory = { ...world.state.memory, sent: OUTSTANDING_MAX + 1 };
    world.state = { ...world.state, memory, ordered: 1, beating: { ...world.state.beating, count: 10 } };
    world.send();
    const middle = OUTSTANDING_MAX / 2 + 1;
    expect(world.wanted("probe")).toEqual([{ type: "probe", seq: middle }]);
    world.hear({ type: "probed", seq: middle, waiting: true });
    expect(world.wanted("submit")).toEqual([]);
    world.ring("send");
    expect(world.wanted("probe")).toHaveLength(1);
    world.hear({ type: "probed", seq: middle, waiting: false });
    expect(world.wanted("submit")).toMatchObject([{ seq: OUTSTANDING_MAX + 2 }]);
  });
});

describe("without network", () => {
  it("a command is kept without a number, and sent when the store is heard again", () => {
    const world = World.member().hear({ type: "live", live: false });
    world.send();
    expect(world.wanted("submit")).toEqual([]);
    expect(world.saved).toMatchObject({ open: null, queue: [{ kind: "counter.add" }] });
    world.hear({ type: "live", live: true });
    expect(world.wanted("submit")).toMatchObject([{ seq: 2 }]);
  });

  it("a failed send is tried again after a pause, the same as before", () => {
    const world = World.member();
    world.send();
    const [first] = world.wanted("submit");
    world.hear({ type: "submit_failed", seq: 2, failure: "UNAVAILABLE" });
    expect(world.wanted("submit")).toEqual([]);
    expect(world.ring("send").wanted("submit")).toEqual([first]);
  });
});

describe("terms", () => {
  const terms = { onlyWhile: { day: 1, phase: "ballot" } };

  it("that hold let a command pass", () => {
    const world = World.member().see({ day: 1, phase: "ballot", seats: [] });
    world.send("mafia.ballot", { target: "b" }, terms);
    expect(world.wanted("submit")).toHaveLength(1);
  });

  it("that nobody knows to hold keep it back until the view is heard", () => {
    const world = World.member();
    world.send("mafia.ballot", { target: "b" }, terms);
    expect(world.wanted("submit")).toEqual([]);
    world.see({ day: 1, phase: "ballot" });
    expect(world.wanted("submit")).toHaveLength(1);
  });

  it("that have passed drop it, and what stands behind it is sent", () => {
    const world = World.member().see({ day: 2, phase: "ballot" });
    const stale = world.send("mafia.ballot", { target: "b" }, terms);
    world.send("mafia.say", { channel: "town", text: "hello" });
    expect(world.answerTo(stale)).toBe("STALE");
    expect(world.wanted("submit")).toMatchObject([{ seq: 2, kind: "mafia.say" }]);
  });
});

describe("when a run ends in the middle of a send", () => {
  const replaced = (world: World) => {
    world.hear({ type: "row", row: rowOf(INC, "dead", 8) }).do({ type: "admitted", admission: admission(NEXT_INC) });
    world.hear({ type: "opened" }).hear({ type: "submitted", seq: 1 }).hear({ type: "beaten", seq: 1 });
    world.effects = [];
    return world.hear({ type: "row", row: rowOf(NEXT_INC, "alive", 9) }).hear({ type: "live", live: true });
  };

  it("what was not sent yet is sent by the next run", () => {
    const world = World.member().hear({ type: "live", live: false });
    const call = world.send();
    expect(replaced(world).wanted("submit")).toMatchObject([{ seq: 2, kind: "counter.add" }]);
    world.hear({ type: "submitted", seq: 2 });
    expect(world.answerTo(call)).toBe(2);
  });

  it("what may have been sent is not sent again, and its fate is said to be unknown", () => {
    const world = World.member();
    const call = world.send();
    expect(replaced(world).wanted("submit")).toEqual([]);
    expect(world.answerTo(call)).toBe("UNKNOWN");
  });

  it("what may be repeated is sent again", () => {
    const world = World.member();
    world.send("mafia.ballot", { target: "b" }, { repeatable: true });
    expect(replaced(world).wanted("submit")).toMatchObject([{ seq: 2, kind: "mafia.ballot" }]);
  });
});

describe("leaving", () => {
  it("comes after what is left to send, and ends the agent", () => {
    const world = World.member();
    const call = world.send();
    world.do({ type: "stop" });
    world.wanted("submit");
    expect(world.hear({ type: "submitted", seq: 2 }).wanted("submit")).toMatchObject([{ seq: 3, kind: "mesh.leave" }]);
    world.hear({ type: "submitted", seq: 3 });
    expect([world.answerTo(call), world.status.connection, world.saved.run]).toEqual([2, "STOPPED", null]);
    expect(world.effects.at(-1)).toEqual({ type: "end" });
  });

  it("does not last for ever without the store", () => {
    const world = World.member().hear({ type: "live", live: false }).do({ type: "stop" }).ring("stop");
    expect(world.status.connection).toBe("STOPPED");
    expect(world.outcomes).toEqual([]);
  });

  it("takes no command any more", () => {
    const world = World.member().do({ type: "stop" });
    expect(world.answerTo(world.send())).toBe("ENDED");
  });
});
