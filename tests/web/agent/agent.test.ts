import { describe, expect, it } from "vitest";
import { AgentError, Spectator, WorkerAgent, type WorkerLine } from "../../../web_worker/agent/agent.ts";
import type { AgentStatus, Ticket, ToPage, ToWorker } from "../../../web_worker/agent/protocol.ts";
import { admission } from "./worlds.ts";

/** A worker played by the test. */
class PlayedWorker {
  readonly heard: ToWorker[] = [];
  terminated = false;
  #message: (event: { data: ToPage }) => void = () => undefined;
  #error: (event: { message: string }) => void = () => undefined;

  postMessage(message: ToWorker): void {
    this.heard.push(structuredClone(message));
  }

  terminate(): void {
    this.terminated = true;
  }

  addEventListener(name: string, listener: never): void {
    if (name === "message") this.#message = listener;
    else this.#error = listener;
  }

  say(message: ToPage): void {
    this.#message({ data: message });
  }

  break(message: string): void {
    this.#error({ message });
  }
}

function started(ticket: Ticket = { kind: "key", key: "k" }) {
  const workers: PlayedWorker[] = [];
  const openWorker = () => {
    workers.push(new PlayedWorker());
    return workers.at(-1) as unknown as WorkerLine;
  };
  const options = { mesh: "m1", agent: "a1", ticket };
  const agent = new WorkerAgent(options, openWorker);
  agent.start();
  return { agent, workers, worker: workers[0] as PlayedWorker, options };
}

const status = (connection: AgentStatus["connection"], reason: AgentStatus["reason"] = ""): ToPage => ({
  type: "status",
  status: { connection, reason, text: "", inc: "", unsent: 0, durable: true },
});

describe("an agent in a page", () => {
  it("starts its worker once, and says CONNECTED, SUSPENDED and LOST as they come", () => {
    const { agent, workers, worker, options } = started();
    agent.start();
    expect(workers).toHaveLength(1);
    expect(worker.heard).toEqual([{ type: "start", options, takeOver: false }]);
    const told: string[] = [];
    for (const name of ["CONNECTED", "SUSPENDED", "LOST"] as const) {
      agent.on(name, ({ reason }) => told.push(`${name} ${reason}`));
    }
    worker.say(status("CONNECTED"));
    worker.say(status("CONNECTED"));
    worker.say(status("SUSPENDED", "NO_ANSWER"));
    worker.say(status("LOST", "REMOVED"));
    expect(told).toEqual(["CONNECTED ", "SUSPENDED NO_ANSWER", "LOST REMOVED"]);
  });

  it("answers each call with its own answer", async () => {
    const { agent, worker } = started();
    const calls = [agent.sendToManager("counter.add", { n: 1 }), agent.updateState({ a: 1 })];
    expect(worker.heard.slice(1)).toMatchObject([
      { type: "send", call: 1, kind: "counter.add", body: { n: 1 }, terms: { onlyWhile: {}, repeatable: false } },
      { type: "update", call: 2, changes: { a: 1 } },
    ]);
    worker.say({ type: "answer", call: 2, value: 9 });
    worker.say({ type: "failure", call: 1, code: "FULL", text: "full" });
    expect(await calls[1]).toBe(9);
    await expect(calls[0]).rejects.toMatchObject({ code: "FULL", message: "full" });
  });

  it("shows the latest view and state at any time", () => {
    const { agent, worker } = started();
    const shown = { audience: "public", applied_index: 3, at_ms: 5, view: { total: 1 } } as const;
    worker.say({ type: "view", shown });
    worker.say({ type: "state", values: { mood: "calm" }, version: 1 });
    expect([agent.view("public"), agent.view("own"), agent.getState()]).toEqual([shown, undefined, { mood: "calm" }]);
  });

  it("that is not running refuses calls instead of keeping them waiting", async () => {
    const { agent, worker } = started();
    const waiting = agent.sendToManager("counter.add", { n: 1 });
    worker.say(status("LOST", "REMOVED"));
    worker.say({ type: "ended" });
    await expect(waiting).rejects.toBeInstanceOf(AgentError);
    await expect(agent.updateState({})).rejects.toMatchObject({ code: "ENDED" });
    expect(worker.terminated).toBe(true);
  });

  it("begins anew after it was lost, and does not hear the worker before any more", () => {
    const { agent, workers, worker } = started();
    worker.say(status("LOST", "OTHER_TAB"));
    agent.start({ takeOver: true });
    expect(workers[1]?.heard).toMatchObject([{ type: "start", takeOver: true }]);
    worker.say(status("CONNECTED"));
    worker.say({ type: "ended" });
    expect(agent.status.connection).toBe("CONNECTING");
    expect(workers[1]?.terminated).toBe(false);
  });

  it("brings an admission along once; to begin anew takes another", () => {
    const ticket: Ticket = { kind: "seat", key: "k", session: "s", admission: admission() };
    const { agent, workers, worker } = started(ticket);
    worker.say(status("LOST", "REMOVED"));
    agent.start();
    expect(worker.heard).toMatchObject([{ options: { ticket } }]);
    const later = { mesh: "m1", agent: "a1", ticket: { kind: "seat", key: "k", session: "s" } };
    expect(workers[1]?.heard).toEqual([{ type: "start", options: later, takeOver: false }]);
  });

  it("has stopped when the worker has let go of everything", async () => {
    const { agent, worker } = started();
    const stopping = agent.stop();
    expect(worker.heard.at(-1)).toEqual({ type: "stop" });
    worker.say(status("STOPPED"));
    worker.say({ type: "ended" });
    await stopping;
    expect([agent.status.connection, worker.terminated]).toEqual(["STOPPED", true]);
    await agent.stop();
  });

  it("that is abandoned ends at once without a word, and can go on in a new worker", async () => {
    const { agent, workers, worker } = started();
    const call = agent.sendToManager("counter.add", { n: 1 });
    agent.abandon();
    await expect(call).rejects.toMatchObject({ code: "ENDED" });
    expect([agent.status.connection, worker.terminated]).toEqual(["IDLE", true]);
    expect(worker.heard.map(({ type }) => type)).toEqual(["start", "send"]);
    agent.start();
    expect(workers).toHaveLength(2);
  });

  it("whose program fails is lost, with its words", () => {
    const { agent, worker } = started();
    worker.break("out of memory");
    expect(agent.status).toMatchObject({ connection: "LOST", reason: "BROKEN" });
    expect(agent.status.text).toContain("out of memory");
  });

  it("that is started anew by whoever hears of a failure runs on", () => {
    const { agent, workers, worker } = started();
    agent.on("LOST", () => agent.start());
    worker.break("out of memory");
    expect([worker.terminated, workers[1]?.terminated, agent.status.connection]).toEqual([true, false, "CONNECTING"]);
  });

  it("ends a subscription when asked to", () => {
    const { agent, worker } = started();
    const told: string[] = [];
    const end = agent.on("status", ({ connection }) => told.push(connection));
    worker.say(status("CONNECTED"));
    end();
    worker.say(status("SUSPENDED", "NO_ANSWER"));
    expect(told).toEqual(["CONNECTED"]);
  });
});

describe("a spectator", () => {
  it("starts with the guest key, and without an agent's name", () => {
    const worker = new PlayedWorker();
    new Spectator({ mesh: "m1", key: "guest" }, () => worker as unknown as WorkerLine).start();
    expect(worker.heard).toMatchObject([{ options: { mesh: "m1", agent: "", ticket: { kind: "watch", key: "guest" } } }]);
  });
});
