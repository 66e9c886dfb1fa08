/** An agent as an app holds it. All work is done in a Web Worker of its own; this is the thin line to it. */

import type {
  AgentErrorCode,
  AgentOptions,
  AgentStatus,
  CommandOutcome,
  JsonObject,
  SendOptions,
  ToPage,
  ToWorker,
  ViewShown,
} from "./protocol.ts";

/** Where the build has put the worker. */
declare const AGENT_WORKER_URL: string;

/** Why a call failed. `code` is stable, the message is for people. */
export class AgentError extends Error {
  constructor(
    readonly code: AgentErrorCode,
    message: string,
  ) {
    super(message);
    this.name = "AgentError";
  }
}

/** What an app may listen to. The first three come with every change of `status.connection` to that value, or of its reason. */
export type AgentEvents = {
  CONNECTED: AgentStatus;
  SUSPENDED: AgentStatus;
  LOST: AgentStatus;
  /** Any change of the status. */
  status: AgentStatus;
  view: ViewShown;
  command: CommandOutcome;
};

type Listener<Name extends keyof AgentEvents> = (event: AgentEvents[Name]) => void;
/** The part of a `Worker` that an agent needs. */
export type WorkerLine = Pick<Worker, "postMessage" | "terminate" | "addEventListener">;
type Waiting = { readonly resolve: (value: number) => void; readonly reject: (error: AgentError) => void };

const NEW: AgentStatus = { connection: "IDLE", reason: "", text: "", inc: "", unsent: 0, durable: true };

/** An admission is for one run; whoever begins anew needs another. */
function withoutAdmission(options: AgentOptions): AgentOptions {
  const { ticket } = options;
  return ticket.kind === "seat" ? { ...options, ticket: { kind: "seat", key: ticket.key, session: ticket.session } } : options;
}

/** A line to a mesh, held by a worker: how it stands, and what is seen over it. */
class Line {
  #status = NEW;
  #state: JsonObject = {};
  #line: WorkerLine | null = null;
  #calls = 0;
  #started = false;
  readonly #stops: (() => void)[] = [];
  readonly #waiting = new Map<number, Waiting>();
  readonly #listeners = new Map<keyof AgentEvents, Set<Listener<never>>>();
  readonly #views = new Map<ViewShown["audience"], ViewShown>();

  /** `openWorker` is for those who serve the worker from elsewhere. */
  constructor(
    readonly options: AgentOptions,
    private readonly openWorker: () => WorkerLine = () => new Worker(AGENT_WORKER_URL, { type: "module" }),
  ) {}

  /** How the agent stands to its mesh. */
  get status(): AgentStatus {
    return this.#status;
  }

  /** Hear of something from now on; the answer ends that. */
  on<Name extends keyof AgentEvents>(name: Name, listener: Listener<Name>): () => void {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners.add(listener));
    return () => void listeners.delete(listener);
  }

  /**
   * Begin to run, or begin anew after LOST or STOPPED; harmless while it runs. `status` tells how it goes.
   *
   * `takeOver` ends the agent in the tab of this browser that runs it, and goes on with it here.
   */
  start({ takeOver = false }: { takeOver?: boolean } = {}): void {
    const { connection } = this.#status;
    if (this.#line !== null && connection !== "LOST" && connection !== "STOPPED") return;
    this.#end();
    const line = this.openWorker();
    this.#line = line;
    const heard = (act: () => void) => line === this.#line && act(); // the worker before may still have had something to say
    line.addEventListener("message", (event) => heard(() => this.#hear((event as MessageEvent<ToPage>).data)));
    line.addEventListener("error", (event) => heard(() => this.#break((event as ErrorEvent).message)));
    if (typeof document !== "undefined") document.addEventListener("visibilitychange", this.#seen);
    this.#take({ ...NEW, connection: "CONNECTING" });
    this.say({ type: "start", options: this.#started ? withoutAdmission(this.options) : this.options, takeOver });
    this.#started = true;
  }

  /** End; an agent leaves its mesh in good order. Resolves when that is done, or has been tried for some seconds. */
  async stop(): Promise<void> {
    if (this.#line === null) return;
    const ended = new Promise<void>((resolve) => this.#stops.push(resolve));
    this.say({ type: "stop" });
    await ended;
  }

  /** End at once without a word, as closing the tab does: the next `start` goes on, or the mesh will miss the agent. */
  abandon(): void {
    this.#end();
    this.#take({ ...this.#status, connection: "IDLE", reason: "", text: "" });
  }

  /** What an audience was last shown; undefined before that. */
  view(audience: ViewShown["audience"]): ViewShown | undefined {
    return this.#views.get(audience);
  }

  /** The machine may have slept, or the network may be back: look at once instead of at the next opportunity. */
  wake(): void {
    this.say({ type: "wake" });
  }

  /** What the agent keeps of its own. */
  protected get kept(): JsonObject {
    return this.#state;
  }

  /** Call the worker and wait for its answer. */
  protected call(message: (call: number) => ToWorker): Promise<number> {
    if (this.#line === null) return Promise.reject(new AgentError("ENDED", "The agent is not running."));
    const call = ++this.#calls;
    const answer = new Promise<number>((resolve, reject) => this.#waiting.set(call, { resolve, reject }));
    this.say(message(call));
    return answer;
  }

  protected say(message: ToWorker): void {
    this.#line?.postMessage(message);
  }

  #hear(message: ToPage): void {
    switch (message.type) {
      case "status":
        return this.#take(message.status);
      case "view":
        this.#views.set(message.shown.audience, message.shown);
        return this.#tell("view", message.shown);
      case "state":
        this.#state = message.values;
        return;
      case "outcome":
        return this.#tell("command", message.outcome);
      case "answer":
        return this.#settle(message.call)?.resolve(message.value);
      case "ended":
        return this.#end();
      case "failure":
        return this.#settle(message.call)?.reject(new AgentError(message.code, message.text));
    }
  }

  #settle(call: number): Waiting | undefined {
    const waiting = this.#waiting.get(call);
    this.#waiting.delete(call);
    return waiting;
  }

  #take(status: AgentStatus): void {
    const before = this.#status;
    this.#status = status;
    this.#tell("status", status);
    const { connection } = status;
    if (connection === before.connection && status.reason === before.reason) return;
    if (connection === "CONNECTED" || connection === "SUSPENDED" || connection === "LOST") this.#tell(connection, status);
  }

  #break(message: string): void {
    this.#end(); // first: whoever hears of it may start anew at once
    this.#take({ ...this.#status, connection: "LOST", reason: "BROKEN", text: `The agent's program failed: ${message}` });
  }

  /** Whoever looks at the page again wants to see what is, and the machine may have slept meanwhile. */
  readonly #seen = () => {
    if (document.visibilityState === "visible") this.wake();
  };

  #end(): void {
    if (typeof document !== "undefined") document.removeEventListener("visibilitychange", this.#seen);
    this.#line?.terminate();
    this.#line = null;
    for (const { reject } of this.#waiting.values()) reject(new AgentError("ENDED", "The agent has ended."));
    this.#waiting.clear();
    for (const resolve of this.#stops.splice(0)) resolve();
  }

  #tell<Name extends keyof AgentEvents>(name: Name, event: AgentEvents[Name]): void {
    for (const listener of this.#listeners.get(name) ?? []) (listener as Listener<Name>)(event);
  }
}

/** Watches an open game without a seat in it, with the site's guest key: the views `public` and `topology`. */
export class Spectator extends Line {
  constructor({ mesh, key, site = "" }: { mesh: string; key: string; site?: string }, openWorker?: () => WorkerLine) {
    super({ mesh, agent: "", ticket: { kind: "watch", key }, site }, openWorker);
  }
}

/** What every agent does: join a mesh, show signs of life, keep a state of its own, leave. */
export class Agent extends Line {
  /** Say how the agent fares; signs of life are shown without this, too. */
  publishHeartbeat(state: "running" | "failed" = "running"): void {
    this.say({ type: "heartbeat", state });
  }

  /**
   * Merge `changes` into the agent's own state, kept in this browser and in the mesh's store; resolves with the version
   * in the store that has them.
   *
   * Rejects with INVALID when it would exceed 100 fields or 100,000 bytes of JSON; nothing has changed then.
   */
  updateState(changes: JsonObject): Promise<number> {
    return this.call((call) => ({ type: "update", call, changes }));
  }

  /** The agent's own state as last updated. */
  getState(): JsonObject {
    return this.kept;
  }
}

/** An agent that takes part in what the mesh is about: it sends commands to whoever manages the mesh, and sees views. */
export class WorkerAgent extends Agent {
  /**
   * Send a command. Resolves with its number when it is durable in the mesh's inbox, however long that takes; the views tell
   * what came of it. It is kept in this browser until then, and sent exactly once even if the page is reloaded meanwhile.
   *
   * Rejects with INVALID or FULL when it was not taken, and else as `CommandOutcome` says.
   */
  sendToManager(kind: string, body: JsonObject, { onlyWhile = {}, repeatable = false }: SendOptions = {}): Promise<number> {
    return this.call((call) => ({ type: "send", call, kind, body, terms: { onlyWhile, repeatable } }));
  }
}
