/** The store as one run of one agent sees it: carries out what the reducer wants of it, and tells what comes of that. */

import {
  type Connection,
  type Fields,
  type Found,
  SignedOut,
  claimsOf,
  connect,
  disconnect,
  failureOf,
  listen,
  read,
  reconnect,
  signIn,
  storeTime,
  whenSignedOut,
  write,
} from "./firestore_port.ts";
import { SEQ_DIGITS } from "./generated/constants.ts";
import type { AgentRow } from "./generated/types.ts";
import type { Audience, BeatEffect, Failure, LinkEffect, LinkEvent, Look, Run, ViewDocument, Watched } from "./model.ts";
import type { JsonObject } from "./protocol.ts";
import type { Site } from "./site.ts";

/** One connection, as one run of one agent. Each run has its own: what is open keeps the identity it was opened with. */
export class AgentPort {
  #opened: Connection | null = null;
  readonly #ends = new Map<Watched, () => void>();
  /** Which listeners are in step with the store. */
  readonly #inStep = new Map<Watched, boolean>();
  #closed = false;

  constructor(
    private readonly site: () => Promise<Site>,
    private readonly mesh: string,
    private readonly agent: string,
    private readonly run: Run,
    private readonly tell: (event: LinkEvent) => void,
  ) {}

  /** Carry out an effect. What comes of it is told; nothing is thrown. */
  do(effect: LinkEffect): void {
    switch (effect.type) {
      case "open":
        return this.#answer(
          this.#open(effect.customToken),
          () => ({ type: "opened" }),
          (failure) => ({ type: "open_failed", failure }),
        );
      case "close":
        return void this.close();
      case "watch":
        return this.#watch(effect.what);
      case "submit":
        return this.#submit(effect.seq, effect.kind, effect.payload);
      case "look":
        return this.#answer(
          this.#look(effect.seq),
          (look) => ({ type: "looked", seq: effect.seq, look }),
          (failure) => ({ type: "look_failed", seq: effect.seq, failure }),
        );
      case "probe":
        return this.#answer(
          this.#read(this.#request("inbox", effect.seq)),
          (found) => ({ type: "probed", seq: effect.seq, waiting: found.fields !== null }),
          () => ({ type: "probed", seq: effect.seq, waiting: null }),
        );
      case "write_beat":
        return this.#writeBeat(effect);
      case "read_beat":
        return this.#answer(
          this.#read(this.#beat()),
          (found) => ({ type: "beat_read", count: this.#countIn(found) }),
          (failure) => ({ type: "beat_failed", failure }),
        );
      case "write_state":
        return this.#writeState(effect.version, effect.values);
      case "read_state":
        return this.#answer(
          this.#read(this.#path("states", this.agent)),
          ({ fields }) => {
            return { type: "state_read", version: Number(fields?.["version"] ?? 0), inc: String(fields?.["inc"] ?? "") };
          },
          (failure) => ({ type: "state_failed", failure }),
        );
      case "reconnect":
        return void (this.#opened && reconnect(this.#opened).catch(() => undefined));
    }
  }

  /** Let go of everything; nothing is told any more. What was not sent yet will not be. */
  async close(): Promise<void> {
    this.#closed = true;
    const opened = this.#opened;
    this.#opened = null;
    for (const end of this.#ends.values()) end();
    if (opened !== null) await disconnect(opened);
  }

  async #open(customToken: string | null): Promise<void> {
    const site = await this.site();
    if (this.#closed) return;
    this.#opened ??= connect(site, `${this.mesh}/${this.agent}`, this.run.inc !== "");
    const opened = this.#opened;
    await signIn(opened, customToken);
    if (this.run.inc !== "") await this.#checkRun(opened);
    whenSignedOut(opened, () => this.#tell({ type: "watch_failed", what: "row", failure: "SIGNED_OUT" }));
  }

  /** Who is signed in must be this run: another one of this browser may have been before. */
  async #checkRun(opened: Connection): Promise<void> {
    const claims = await claimsOf(opened);
    if (claims?.["inc"] !== this.run.inc || claims["agent"] !== this.agent) throw new SignedOut();
  }

  // --- listening ------------------------------------------------------------------------------------------------------------

  #watch(what: Watched): void {
    if (what === "public") this.#unwatch("refusal"); // it has been taken in, so it was not refused
    this.#unwatch(what);
    this.#inStep.set(what, false);
    const end = listen(
      this.#connection(),
      this.#watched(what),
      (found) => this.#found(what, found),
      (failure) => {
        this.#unwatch(what);
        this.#tell({ type: "watch_failed", what, failure });
      },
    );
    this.#ends.set(what, end);
    this.#tellLive();
  }

  #unwatch(what: Watched): void {
    this.#ends.get(what)?.();
    this.#ends.delete(what);
    this.#inStep.delete(what);
  }

  #watched(what: Watched): string {
    if (what === "row") return this.#path("agents", this.agent);
    if (what === "refusal") return this.#request("refused", 1);
    return this.#path("views", what === "own" ? `agent_${this.agent}` : what);
  }

  #found(what: Watched, { fields, inStep }: Found): void {
    this.#inStep.set(what, inStep);
    // Without the store the cache knows no document, which does not mean that there is none.
    if (inStep) this.#tellFound(what, fields);
    this.#tellLive();
  }

  #tellFound(what: Watched, fields: Fields | null): void {
    if (what === "row") this.#tell({ type: "row", row: fields as AgentRow | null });
    else if (fields === null) return;
    else if (what === "refusal") {
      this.#tell({ type: "refusal", reason: String(fields["reason"]), detail: String(fields["detail"] ?? "") });
    } else this.#tell({ type: "view", audience: what satisfies Audience, view: fields as unknown as ViewDocument });
  }

  #tellLive(): void {
    this.#tell({ type: "live", live: [...this.#inStep.values()].every((each) => each) });
  }

  // --- reading and writing --------------------------------------------------------------------------------------------------

  #submit(seq: number, kind: string, payload: string): void {
    const command = { agent_id: this.agent, inc: this.run.inc, seq, kind, payload };
    this.#answer(
      this.#write(this.#request("inbox", seq), command),
      () => ({ type: "submitted", seq }),
      (failure) => ({ type: "submit_failed", seq, failure }),
    );
  }

  #writeBeat({ seq, intervalMs, shown, lateness }: BeatEffect): void {
    const beat = {
      process: this.run.process,
      inc: this.run.inc,
      seq,
      interval_ms: intervalMs,
      agents: { [this.agent]: shown },
      applied: {},
      lateness,
      at: storeTime(),
    };
    this.#answer(
      this.#write(this.#beat(), beat),
      () => ({ type: "beaten", seq }),
      (failure) => ({ type: "beat_failed", failure }),
    );
  }

  #writeState(version: number, values: JsonObject): void {
    const state = { version, inc: this.run.inc, values, at: storeTime() };
    this.#answer(
      this.#write(this.#path("states", this.agent), state),
      () => ({ type: "state_written", version }),
      (failure) => ({ type: "state_failed", failure }),
    );
  }

  async #look(seq: number): Promise<Look> {
    const [waiting, refused, row, beat] = await Promise.all([
      this.#read(this.#request("inbox", seq)),
      this.#read(this.#request("refused", seq)),
      this.#read(this.#path("agents", this.agent)),
      this.#read(this.#beat()),
    ]);
    return {
      waiting: waiting.fields !== null,
      refused: refused.fields !== null ? String(refused.fields["reason"]) : null,
      row: row.fields as AgentRow | null,
      beat: this.#countIn(beat),
    };
  }

  /** Which sign of life of this run the store surely has. */
  #countIn({ fields, pending }: Found): number | null {
    return fields !== null && !pending && fields["inc"] === this.run.inc ? Number(fields["seq"]) : null;
  }

  #beat(): string {
    return this.#path("liveness", this.run.process);
  }

  #request(collection: "inbox" | "refused", seq: number): string {
    return this.#path(collection, `${this.agent}_${this.run.inc}_${String(seq).padStart(SEQ_DIGITS, "0")}`);
  }

  #path(collection: string, id: string): string {
    return `meshes/${this.mesh}/${collection}/${id}`;
  }

  #read(path: string): Promise<Found> {
    return read(this.#connection(), path);
  }

  #write(path: string, fields: Fields): Promise<void> {
    return write(this.#connection(), path, fields);
  }

  #connection(): Connection {
    if (this.#opened === null) throw new Error("the connection is not open");
    return this.#opened;
  }

  #answer<Result>(work: Promise<Result>, good: (result: Result) => LinkEvent, bad: (failure: Failure) => LinkEvent): void {
    work.then(
      (result) => this.#tell(good(result)),
      (error: unknown) => this.#tell(bad(failureOf(error))),
    );
  }

  #tell(event: LinkEvent): void {
    if (!this.#closed) this.tell(event);
  }
}
