/** A mesh as its operator may listen to it: topology, health, signs of life, audit trail. It writes nothing. */

import {
  type Connection,
  type Fields,
  type Found,
  connect,
  disconnect,
  failureOf,
  listen,
  listenToAll,
  milliseconds,
  read,
  signIn,
} from "./firestore_port.ts";
import { LIVENESS_LISTENED_MAX, LOG_DIGITS } from "./generated/constants.ts";
import type { AuditRecord } from "./generated/types.ts";
import type { Failure } from "./model.ts";
import type { BeatSeen, Health, OperatorNews, Topology } from "./operator_protocol.ts";
import type { Site } from "./site.ts";

/** Records of the trail that are shown, and listened to before the listener is moved on. */
export const RECORDS_SHOWN = 50;
const RECORDS_LISTENED_MAX = 200;
const VIEWS = ["topology", "health", "public"] as const;
const PAUSE_MS = 2000;
const PAUSE_MS_MAX = 30_000;

export class OperatorPort {
  #opened: Connection | null = null;
  #closed = false;
  #pauseMs = PAUSE_MS;
  readonly #ends = new Map<string, () => void>();
  readonly #inStep = new Map<string, boolean>();

  constructor(
    private readonly site: () => Promise<Site>,
    private readonly mesh: string,
    private readonly tell: (news: OperatorNews) => void,
  ) {}

  /** Sign in and listen; what comes of it is told. Who was denied stays so: ENDED. Anything else is tried again. */
  async open(customToken: string): Promise<void> {
    this.#tell({ type: "line", state: "CONNECTING" });
    try {
      this.#opened ??= connect(await this.site(), `operator/${this.mesh}`, false);
      await signIn(this.#opened, customToken);
    } catch (error) {
      return this.#failed("", failureOf(error), () => void this.open(customToken));
    }
    for (const view of VIEWS) this.#listenToView(view);
    this.#listenToBeats();
    await this.#listenToAudit();
  }

  /** Let go of everything; nothing is told any more. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const end of this.#ends.values()) end();
    if (this.#opened !== null) await disconnect(this.#opened);
  }

  #listenToView(view: (typeof VIEWS)[number]): void {
    const told = ({ fields, inStep }: Found) => {
      if (fields !== null) this.#tell(viewNews(view, fields));
      this.#live(view, inStep);
    };
    const again = () => this.#listenToView(view);
    const failed = (failure: Failure) => this.#failed(view, failure, again);
    this.#keep(view, listen(this.#connection(), this.#path(`views/${view}`), told, failed));
  }

  #listenToBeats(): void {
    const range = { from: "", limitTo: LIVENESS_LISTENED_MAX };
    const end = listenToAll(
      this.#connection(),
      this.#path("liveness"),
      range,
      ({ documents, inStep }) => {
        this.#tell({ type: "beats", beats: [...documents.values()].map(beatIn).filter((beat) => beat !== null) });
        this.#live("beats", inStep);
      },
      (failure) => this.#failed("beats", failure, () => this.#listenToBeats()),
    );
    this.#keep("beats", end);
  }

  /** The end of the trail. Records come in order of their ids, so the listener begins a little before the last one. */
  async #listenToAudit(): Promise<void> {
    const again = () => void this.#listenToAudit();
    try {
      const { fields } = await read(this.#connection(), this.#path("audit/head"));
      if (!this.#closed) this.#listenToRecordsFrom(Math.max(1, Number(fields?.["number"] ?? 0) - RECORDS_SHOWN + 1), again);
    } catch (error) {
      this.#failed("audit", failureOf(error), again);
    }
  }

  #listenToRecordsFrom(number: number, again: () => void): void {
    const range = { from: String(number).padStart(LOG_DIGITS, "0"), limitTo: RECORDS_LISTENED_MAX };
    const end = listenToAll(
      this.#connection(),
      this.#path("audit"),
      range,
      ({ documents, inStep }) => {
        const records = [...documents].filter(([id]) => id !== "head").map(([, record]) => record as unknown as AuditRecord);
        this.#tell({ type: "audit", records: records.slice(-RECORDS_SHOWN) });
        this.#live("audit", inStep);
        if (documents.size >= RECORDS_LISTENED_MAX) again();
      },
      (failure) => this.#failed("audit", failure, again),
    );
    this.#keep("audit", end);
  }

  /** One listener of each name at a time. */
  #keep(name: string, end: () => void): void {
    this.#ends.get(name)?.();
    this.#ends.set(name, end);
  }

  #live(name: string, inStep: boolean): void {
    this.#inStep.set(name, inStep);
    const isLive = [...this.#inStep.values()].every(Boolean);
    if (isLive) this.#pauseMs = PAUSE_MS;
    this.#tell({ type: "line", state: isLive ? "CONNECTED" : "SUSPENDED" });
  }

  /** A listener has ended, or something of it could not begin; "" is the signing in. */
  #failed(name: string, failure: Failure, again: () => void): void {
    if (this.#closed) return;
    if (failure !== "UNAVAILABLE") {
      this.#tell({ type: "line", state: "ENDED" });
      void this.close();
      return;
    }
    if (name !== "") this.#inStep.set(name, false);
    this.#tell({ type: "line", state: "SUSPENDED" });
    setTimeout(() => this.#closed || again(), this.#pauseMs);
    this.#pauseMs = Math.min(PAUSE_MS_MAX, 2 * this.#pauseMs);
  }

  #path(below: string): string {
    return `meshes/${this.mesh}/${below}`;
  }

  #connection(): Connection {
    if (this.#opened === null) throw new Error("the connection is not open");
    return this.#opened;
  }

  #tell(news: OperatorNews): void {
    if (!this.#closed) this.tell(news);
  }
}

function viewNews(view: (typeof VIEWS)[number], fields: Fields): OperatorNews {
  if (view === "topology") return { type: "topology", topology: fields as unknown as Topology };
  if (view === "health") return { type: "health", health: fields as unknown as Health };
  return { type: "public", appliedIndex: Number(fields["applied_index"]), atMs: Number(fields["at_ms"]) };
}

/** What a document says of a process; null when the store has not stamped it, or a broken process wrote it. */
export function beatIn(fields: Fields): BeatSeen | null {
  const { process, inc, seq, interval_ms: intervalMs, agents, applied, lateness } = fields;
  const atMs = milliseconds(fields["at"]);
  if (typeof process !== "string" || typeof seq !== "number" || typeof intervalMs !== "number" || atMs === null) return null;
  const words = (agents ?? {}) as BeatSeen["agents"];
  const indexes = (applied ?? {}) as BeatSeen["applied"];
  return { process, inc: String(inc), seq, intervalMs, atMs, agents: words, applied: indexes, lateness: Number(lateness) };
}
