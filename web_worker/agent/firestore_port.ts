/** Firestore and Authentication as the agent needs them. The only module that imports firebase. */

import { type FirebaseApp, deleteApp, initializeApp } from "firebase/app";
import {
  type Auth,
  connectAuthEmulator,
  inMemoryPersistence,
  indexedDBLocalPersistence,
  initializeAuth,
  onAuthStateChanged,
  signInWithCustomToken,
} from "firebase/auth/web-extension";
import {
  type DocumentReference,
  type DocumentSnapshot,
  type Firestore,
  connectFirestoreEmulator,
  disableNetwork,
  doc,
  enableNetwork,
  getDocFromServer,
  initializeFirestore,
  onSnapshot,
  serverTimestamp,
  setDoc,
  setLogLevel,
  terminate,
} from "firebase/firestore";
import { SEQ_DIGITS } from "./generated/constants.ts";
import type { AgentRow } from "./generated/types.ts";
import type { Audience, BeatEffect, Failure, LinkEffect, LinkEvent, Look, Run, ViewDocument, Watched } from "./model.ts";
import type { JsonObject } from "./protocol.ts";
import type { Site } from "./site.ts";

type Opened = { readonly app: FirebaseApp; readonly auth: Auth; readonly db: Firestore };
const TEMPORARY = ["auth/network-request-failed", "auth/internal-error", "auth/too-many-requests", "auth/timeout"];

/** One connection, as one run of one agent. Each run has its own: what is open keeps the identity it was opened with. */
export class FirestorePort {
  #opened: Opened | null = null;
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
          getDocFromServer(this.#request("inbox", effect.seq)),
          (found) => ({ type: "probed", seq: effect.seq, waiting: found.exists() }),
          () => ({ type: "probed", seq: effect.seq, waiting: null }),
        );
      case "write_beat":
        return this.#writeBeat(effect);
      case "read_beat":
        return this.#answer(
          getDocFromServer(this.#beat()),
          (found) => ({ type: "beat_read", count: this.#countIn(found) }),
          (failure) => ({ type: "beat_failed", failure }),
        );
      case "write_state":
        return this.#writeState(effect.version, effect.values);
      case "read_state":
        return this.#answer(
          getDocFromServer(this.#doc("states", this.agent)),
          (found) => ({ type: "state_read", version: Number(found.get("version") ?? 0), inc: String(found.get("inc") ?? "") }),
          (failure) => ({ type: "state_failed", failure }),
        );
      case "reconnect":
        return void this.#reconnect().catch(() => undefined);
    }
  }

  /** Let go of everything; nothing is told any more. What was not sent yet will not be. */
  async close(): Promise<void> {
    this.#closed = true;
    const opened = this.#opened;
    this.#opened = null;
    for (const end of this.#ends.values()) end();
    if (opened === null) return;
    await terminate(opened.db).catch(() => undefined);
    await deleteApp(opened.app).catch(() => undefined);
  }

  async #open(customToken: string | null): Promise<void> {
    const { config, emulators } = await this.site();
    if (this.#closed) return;
    this.#opened ??= this.#initialize(config, emulators);
    const { auth } = this.#opened;
    if (customToken !== null) await signInWithCustomToken(auth, customToken);
    else await auth.authStateReady();
    if (this.run.inc !== "") await this.#checkRun(auth);
    onAuthStateChanged(auth, (user) => {
      if (user === null) this.#tell({ type: "watch_failed", what: "row", failure: "SIGNED_OUT" });
    });
  }

  /** Who is signed in must be this run: another one of this browser may have been before. */
  async #checkRun(auth: Auth): Promise<void> {
    const claims = (await auth.currentUser?.getIdTokenResult())?.claims;
    if (claims?.["inc"] !== this.run.inc || claims["agent"] !== this.agent) throw new SignedOut();
  }

  #initialize(config: Site["config"], emulators: Site["emulators"]): Opened {
    // Under its name the app finds again, after a reload, who was signed in.
    const app = initializeApp(config, `${this.mesh}/${this.agent}`);
    const persistence = this.run.inc === "" ? inMemoryPersistence : [indexedDBLocalPersistence, inMemoryPersistence];
    const auth = initializeAuth(app, { persistence });
    // The cache in memory is the default: what another run has seen must not be taken for what is.
    const db = initializeFirestore(app, {});
    setLogLevel("error"); // that the network is away the page is told; a warning per try helps nobody
    if (emulators !== null) {
      connectAuthEmulator(auth, `http://${emulators.auth}`, { disableWarnings: true });
      const [host, port] = emulators.firestore.split(":");
      connectFirestoreEmulator(db, host ?? "", Number(port));
    }
    return { app, auth, db };
  }

  async #reconnect(): Promise<void> {
    if (this.#opened === null) return;
    const { db } = this.#opened;
    await disableNetwork(db);
    await enableNetwork(db);
  }

  // --- listening ------------------------------------------------------------------------------------------------------------

  #watch(what: Watched): void {
    if (what === "public") this.#unwatch("refusal"); // it has been taken in, so it was not refused
    this.#unwatch(what);
    this.#inStep.set(what, false);
    const end = onSnapshot(
      this.#watched(what),
      { includeMetadataChanges: true },
      (found) => this.#snapshot(what, found),
      (error) => {
        this.#unwatch(what);
        this.#tell({ type: "watch_failed", what, failure: failureOf(error) });
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

  #watched(what: Watched): DocumentReference {
    if (what === "row") return this.#doc("agents", this.agent);
    if (what === "refusal") return this.#request("refused", 1);
    return this.#doc("views", what === "own" ? `agent_${this.agent}` : what);
  }

  #snapshot(what: Watched, found: DocumentSnapshot): void {
    const inStep = !found.metadata.fromCache;
    this.#inStep.set(what, inStep);
    // Without the store the cache knows no document, which does not mean that there is none.
    if (inStep) this.#tellFound(what, found);
    this.#tellLive();
  }

  #tellFound(what: Watched, found: DocumentSnapshot): void {
    if (what === "row") this.#tell({ type: "row", row: (found.data() as AgentRow | undefined) ?? null });
    else if (!found.exists()) return;
    else if (what === "refusal") {
      this.#tell({ type: "refusal", reason: String(found.get("reason")), detail: String(found.get("detail") ?? "") });
    } else this.#tell({ type: "view", audience: what satisfies Audience, view: found.data() as ViewDocument });
  }

  #tellLive(): void {
    this.#tell({ type: "live", live: [...this.#inStep.values()].every((each) => each) });
  }

  // --- reading and writing --------------------------------------------------------------------------------------------------

  #submit(seq: number, kind: string, payload: string): void {
    const command = { agent_id: this.agent, inc: this.run.inc, seq, kind, payload };
    this.#answer(
      setDoc(this.#request("inbox", seq), command),
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
      at: serverTimestamp(),
    };
    this.#answer(setDoc(this.#beat(), beat), () => ({ type: "beaten", seq }), (failure) => ({ type: "beat_failed", failure }));
  }

  #writeState(version: number, values: JsonObject): void {
    const state = { version, inc: this.run.inc, values, at: serverTimestamp() };
    this.#answer(
      setDoc(this.#doc("states", this.agent), state),
      () => ({ type: "state_written", version }),
      (failure) => ({ type: "state_failed", failure }),
    );
  }

  async #look(seq: number): Promise<Look> {
    const [waiting, refused, row, beat] = await Promise.all([
      getDocFromServer(this.#request("inbox", seq)),
      getDocFromServer(this.#request("refused", seq)),
      getDocFromServer(this.#doc("agents", this.agent)),
      getDocFromServer(this.#beat()),
    ]);
    return {
      waiting: waiting.exists(),
      refused: refused.exists() ? String(refused.get("reason")) : null,
      row: (row.data() as AgentRow | undefined) ?? null,
      beat: this.#countIn(beat),
    };
  }

  /** Which sign of life of this run the store surely has. */
  #countIn(found: DocumentSnapshot): number | null {
    const isOwn = found.exists() && !found.metadata.hasPendingWrites && found.get("inc") === this.run.inc;
    return isOwn ? Number(found.get("seq")) : null;
  }

  #beat(): DocumentReference {
    return this.#doc("liveness", this.run.process);
  }

  #request(collection: "inbox" | "refused", seq: number): DocumentReference {
    return this.#doc(collection, `${this.agent}_${this.run.inc}_${String(seq).padStart(SEQ_DIGITS, "0")}`);
  }

  #doc(collection: string, id: string): DocumentReference {
    if (this.#opened === null) throw new Error("the connection is not open");
    return doc(this.#opened.db, "meshes", this.mesh, collection, id);
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

class SignedOut extends Error {}

function failureOf(error: unknown): Failure {
  const code = (error as { readonly code?: unknown }).code;
  if (error instanceof SignedOut || (typeof code === "string" && code.startsWith("auth/") && !TEMPORARY.includes(code))) {
    return "SIGNED_OUT";
  }
  return code === "permission-denied" ? "DENIED" : "UNAVAILABLE";
}
