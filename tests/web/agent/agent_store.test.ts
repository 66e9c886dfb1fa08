import { IDBFactory } from "fake-indexeddb";
import { describe, expect, it } from "vitest";
import { AgentStore, Ousted } from "../../../web_worker/agent/agent_store.ts";
import { BLANK, type Memory } from "../../../web_worker/agent/model.ts";

const RUN = { inc: "0".repeat(12), process: "client-a1", joined: true };
const SOME: Memory = { ...BLANK, sent: 7, run: RUN, values: { mood: "calm" } };

describe("what an agent keeps", () => {
  it("is blank at first, and then what was saved last", async () => {
    const factory = new IDBFactory();
    const first = await AgentStore.open("m1", "a1", factory);
    expect(first.memory).toEqual(BLANK);
    await first.save({ ...SOME, sent: 6 });
    await first.save(SOME);
    expect((await AgentStore.open("m1", "a1", factory)).memory).toEqual(SOME);
  });

  it("is kept apart by mesh and agent", async () => {
    const factory = new IDBFactory();
    await (await AgentStore.open("m1", "a1", factory)).save(SOME);
    expect((await AgentStore.open("m2", "a1", factory)).memory).toEqual(BLANK);
    expect((await AgentStore.open("m1", "a2", factory)).memory).toEqual(BLANK);
  });

  it("is written by the worker that has opened it last, and by no earlier one", async () => {
    const factory = new IDBFactory();
    const earlier = await AgentStore.open("m1", "a1", factory);
    const later = await AgentStore.open("m1", "a1", factory);
    await later.save(SOME);
    await expect(earlier.save({ ...SOME, sent: 99 })).rejects.toBeInstanceOf(Ousted);
    expect((await AgentStore.open("m1", "a1", factory)).memory).toEqual(SOME);
  });

  it("that a later program has written in another form is left aside", async () => {
    const factory = new IDBFactory();
    (await AgentStore.open("m1", "a1", factory)).close();
    await put(factory, { format: 2, epoch: 5, memory: { other: true } });
    expect((await AgentStore.open("m1", "a1", factory)).memory).toEqual(BLANK);
  });

  it("cannot be opened where the browser refuses storage, and that is said", async () => {
    const refusing = { open: () => failing() } as unknown as IDBFactory;
    await expect(AgentStore.open("m1", "a1", refusing)).rejects.toThrow("not available");
  });
});

function failing(): IDBOpenDBRequest {
  const request = { error: null, onerror: null as (() => void) | null };
  queueMicrotask(() => request.onerror?.());
  return request as unknown as IDBOpenDBRequest;
}

function put(factory: IDBFactory, record: unknown): Promise<void> {
  return new Promise((resolve) => {
    const request = factory.open("firemesh", 1);
    request.onsuccess = () => {
      const transaction = request.result.transaction("agents", "readwrite");
      transaction.objectStore("agents").put(record, "m1/a1");
      transaction.oncomplete = () => resolve();
    };
  });
}
