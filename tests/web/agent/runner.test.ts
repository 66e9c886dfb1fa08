import { IDBFactory } from "fake-indexeddb";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { LinkEffect, LinkEvent } from "../../../web_worker/agent/model.ts";
import type { AgentOptions, ToPage } from "../../../web_worker/agent/protocol.ts";
import { AgentRunner, type Port } from "../../../web_worker/agent/runner.ts";
import { until } from "../patience.ts";
import { INC, NEXT_INC, admission, rowOf } from "./worlds.ts";

const OPTIONS: AgentOptions = {
  ...{ mesh: "m1", agent: "a1" },
  ticket: { kind: "seat", key: "k", session: "s", admission: admission() },
};

/** A store that takes everything at once, and tells of it within the call. */
class QuickPort implements Port {
  readonly done: LinkEffect[] = [];
  closed = false;

  constructor(
    readonly run: string,
    private readonly tell: (event: LinkEvent) => void,
  ) {}

  do(effect: LinkEffect): void {
    this.done.push(effect);
    if (effect.type === "open") this.tell({ type: "opened" });
    if (effect.type === "submit") this.tell({ type: "submitted", seq: effect.seq });
    if (effect.type === "write_beat") this.tell({ type: "beaten", seq: effect.seq });
    if (effect.type === "watch") this.tell({ type: "live", live: false });
    if (effect.type === "watch" && effect.what === "row") this.say({ type: "row", row: rowOf(this.run) });
    if (effect.type === "watch" && effect.what === "own") this.say({ type: "live", live: true });
  }

  say(event: LinkEvent): void {
    this.tell(event);
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }
}

async function running() {
  const told: ToPage[] = [];
  const ports: QuickPort[] = [];
  let ended = false;
  const runner = new AgentRunner(
    OPTIONS,
    (message) => told.push(message),
    () => (ended = true),
    (_site, _mesh, _agent, run, tell) => {
      ports.push(new QuickPort(run.inc, tell));
      return ports.at(-1) as QuickPort;
    },
  );
  await runner.start();
  const connections = () => told.flatMap((message) => (message.type === "status" ? [message.status.connection] : []));
  await until(() => expect(connections().at(-1)).toBe("CONNECTED"));
  return { runner, told, ports, connections, hasEnded: () => ended };
}

const send = (call: number) =>
  ({ type: "send", call, kind: "counter.add", body: { n: call }, terms: { onlyWhile: {}, repeatable: false } }) as const;

beforeEach(() => void vi.stubGlobal("indexedDB", new IDBFactory()));

describe("a runner", () => {
  it("tells the page in the order in which things happened, also when the store answers within the call", async () => {
    const { connections } = await running();
    expect([...new Set(connections())]).toEqual(["CONNECTING", "CONNECTED"]);
    expect(connections().lastIndexOf("CONNECTING")).toBeLessThan(connections().indexOf("CONNECTED"));
  });

  it("sends what the page gives it, one after the other", async () => {
    const { runner, told, ports } = await running();
    runner.take(send(1));
    runner.take(send(2));
    await until(() => expect(told).toContainEqual({ type: "answer", call: 2, value: 3 }));
    const submits = ports[0]?.done.filter(({ type }) => type === "submit");
    expect(submits).toMatchObject([{ kind: "mesh.join" }, { seq: 2, payload: '{"n":1}' }, { seq: 3, payload: '{"n":2}' }]);
  });

  it("lets go of one connection before it opens the next", async () => {
    vi.stubGlobal("fetch", () => Promise.resolve(new Response(JSON.stringify(admission(NEXT_INC)), { status: 201 })));
    const { ports } = await running();
    ports[0]?.say({ type: "row", row: rowOf(INC, "dead", 8) });
    await until(() => expect(ports[1]?.done.length).toBeGreaterThan(0));
    expect([ports[0]?.closed, ports[1]?.run]).toEqual([true, NEXT_INC]);
  });

  it("has ended when all is stored and let go of", async () => {
    const { runner, ports, connections, hasEnded } = await running();
    runner.take({ type: "stop" });
    await until(() => expect(hasEnded()).toBe(true));
    expect([connections().at(-1), ports[0]?.closed]).toEqual(["STOPPED", true]);
    expect((await running()).ports[0]?.done[0]).toMatchObject({ type: "open", customToken: admission().custom_token });
  });

  it("goes on from what an earlier worker has stored, and shuts that one out", async () => {
    const first = await running();
    const second = await running();
    expect(second.ports[0]?.done[0]).toMatchObject({ type: "open", customToken: null, run: { inc: INC } });
    first.runner.take(send(1));
    await until(() => expect(first.hasEnded()).toBe(true));
    expect(first.connections().at(-1)).toBe("LOST");
  });
});
