/** What an agent keeps in IndexedDB, one record per agent of a mesh. */

import { BLANK, type Memory } from "./model.ts";

const DATABASE = "firemesh";
const RECORDS = "agents";
/** To give up too early costs what was kept, and with it the run. */
const OPEN_PATIENCE_MS = 10_000;
const FORMAT = 1;

/** `epoch` counts the workers that have opened the record: none but the last may write it. */
type Stored = { readonly format: number; readonly epoch: number; readonly memory: Memory };

/** The record belongs to another worker now. */
export class Ousted extends Error {}

/** One agent's record, opened. */
export class AgentStore {
  private constructor(
    private readonly database: IDBDatabase,
    private readonly key: string,
    private readonly epoch: number,
    /** As the last worker left it. */
    readonly memory: Memory,
  ) {}

  /** Open the record, and shut out the worker that had it before. Rejects when this browser does not let us store anything. */
  static async open(mesh: string, agent: string, factory: IDBFactory = indexedDB): Promise<AgentStore> {
    const database = await openDatabase(factory);
    const key = `${mesh}/${agent}`;
    const transaction = database.transaction(RECORDS, "readwrite", { durability: "strict" });
    const records = transaction.objectStore(RECORDS);
    const found = known(await done<unknown>(records.get(key)));
    const epoch = (found?.epoch ?? 0) + 1;
    const memory = found?.memory ?? BLANK;
    records.put({ format: FORMAT, epoch, memory } satisfies Stored, key);
    await completed(transaction);
    return new AgentStore(database, key, epoch, memory);
  }

  /** Replace the record, and wait until it is on the disk. Rejects with Ousted, or with what the browser says. */
  async save(memory: Memory): Promise<void> {
    const transaction = this.database.transaction(RECORDS, "readwrite", { durability: "strict" });
    const records = transaction.objectStore(RECORDS);
    const found = known(await done<unknown>(records.get(this.key)));
    if (found !== null && found.epoch !== this.epoch) {
      transaction.abort();
      throw new Ousted();
    }
    records.put({ format: FORMAT, epoch: this.epoch, memory } satisfies Stored, this.key);
    await completed(transaction);
  }

  close(): void {
    this.database.close();
  }
}

/** A record of a later format is nobody's we know. */
function known(record: unknown): Stored | null {
  const stored = record as Stored | undefined;
  return stored?.format === FORMAT ? stored : null;
}

function openDatabase(factory: IDBFactory): Promise<IDBDatabase> {
  const request = factory.open(DATABASE, 1);
  request.onupgradeneeded = () => void request.result.createObjectStore(RECORDS);
  return new Promise((resolve, reject) => {
    // Some browsers neither open nor refuse.
    const timer = setTimeout(() => reject(new Error("IndexedDB does not answer")), OPEN_PATIENCE_MS);
    request.onsuccess = () => {
      clearTimeout(timer);
      resolve(request.result);
    };
    request.onerror = () => {
      clearTimeout(timer);
      reject(request.error ?? new Error("IndexedDB is not available"));
    };
  });
}

function done<Result>(request: IDBRequest<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("IndexedDB has failed"));
  });
}

function completed(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = transaction.onerror = () => reject(transaction.error ?? new Error("IndexedDB has failed"));
  });
}
