/** Runs one agent: feeds the reducer with what happens, and does what it wants done. */

import { askAdmission } from "./admission.ts";
import { AgentPort } from "./agent_port.ts";
import { AgentStore, Ousted } from "./agent_store.ts";
import { HEARTBEAT } from "./generated/constants.ts";
import { BLANK, newState } from "./model.ts";
import type { AgentEvent, Effect, LinkEffect, Memory, State, Timer } from "./model.ts";
import type { AgentOptions, ToPage, ToWorker } from "./protocol.ts";
import { reduce } from "./reducer.ts";
import { type Site, findSite } from "./site.ts";

/** A timer that runs out so much later than it should shows that this worker did not get to run. */
const LATE_MS = 1000;

/** What a runner needs of a connection. */
export type Port = Pick<AgentPort, "do" | "close">;
type Connect = (...how: ConstructorParameters<typeof AgentPort>) => Port;

export class AgentRunner {
  #state: State;
  /** The one that is being dealt with, and those behind it. */
  readonly #events: AgentEvent[] = [];
  #store: AgentStore | null = null;
  #site: Promise<Site> | null = null;
  #port: Port | null = null;
  /** The connection before has to be gone before the next is opened under its name. */
  #closing: Promise<void> = Promise.resolve();
  #saving: Promise<void> = Promise.resolve();
  readonly #timers = new Map<Timer, ReturnType<typeof setTimeout>>();

  /** `ended` is called when nothing more will be done. */
  constructor(
    private readonly options: AgentOptions,
    private readonly tell: (message: ToPage) => void,
    private readonly ended: () => void,
    private readonly connect: Connect = (...how) => new AgentPort(...how),
  ) {
    const { agent, heartbeat = HEARTBEAT, topology = false, ticket } = options;
    this.#state = newState(agent, heartbeat, topology, ticket.kind === "watch");
  }

  /** Begin with what an earlier worker has left in this browser. */
  async start(): Promise<void> {
    const { mesh, agent, ticket } = this.options;
    if (ticket.kind !== "watch") this.#store = await AgentStore.open(mesh, agent).catch(() => null);
    const admission = ticket.kind === "seat" ? (ticket.admission ?? null) : null;
    const durable = this.#store !== null || ticket.kind === "watch";
    this.hear({ type: "started", memory: this.#store?.memory ?? BLANK, durable, admission });
  }

  /** What the page says, once the agent has been started. */
  take(message: Exclude<ToWorker, { type: "start" }>): void {
    if (message.type !== "heartbeat") this.hear(message);
    else this.hear({ type: "heartbeat", shown: message.state });
  }

  /** One event after the other, each to its end: what an effect brings about at once waits until the others are done, too. */
  hear(event: AgentEvent): void {
    this.#events.push(event);
    if (this.#events.length > 1) return;
    try {
      for (let next: AgentEvent | undefined = event; next !== undefined; next = this.#events[0]) {
        this.#deal(next);
        this.#events.shift();
      }
    } catch (error) {
      reportError(error); // a mistake of ours: the page hears of it and ends this worker
    }
  }

  #deal(event: AgentEvent): void {
    const { state, effects } = reduce(this.#state, event);
    this.#state = state;
    for (const effect of effects) this.#do(effect);
  }

  #do(effect: Effect): void {
    switch (effect.type) {
      case "tell":
        return this.tell(effect.message);
      case "wait":
        return this.#wait(effect.timer, effect.ms);
      case "cancel":
        return this.#cancel(effect.timer);
      case "save":
        return this.#save(effect.revision, effect.memory);
      case "admit":
        return void this.#admit();
      case "link":
        return this.#overLink(effect.link, effect.effect);
      case "end":
        return void this.#end();
    }
  }

  #wait(timer: Timer, ms: number): void {
    this.#cancel(timer);
    const due = performance.now() + ms;
    const ring = () => {
      this.#timers.delete(timer);
      this.hear({ type: "timer", timer, late: performance.now() - due > LATE_MS });
    };
    this.#timers.set(timer, setTimeout(ring, ms));
  }

  #cancel(timer: Timer): void {
    clearTimeout(this.#timers.get(timer));
    this.#timers.delete(timer);
  }

  #save(revision: number, memory: Memory): void {
    this.#saving = this.#saving.then(async () => {
      try {
        if (this.#store === null) throw new Error("this browser stores nothing");
        await this.#store.save(memory);
        this.hear({ type: "saved", revision });
      } catch (error) {
        this.hear(error instanceof Ousted ? { type: "ousted" } : { type: "not_saved", revision });
      }
    });
  }

  async #admit(): Promise<void> {
    const answer = await askAdmission(this.options);
    this.hear("admission" in answer ? { type: "admitted", ...answer } : { type: "not_admitted", ...answer });
  }

  #overLink(link: number, effect: LinkEffect): void {
    if (effect.type === "open") return void this.#open(link, effect);
    if (effect.type !== "close") return this.#port?.do(effect);
    const port = this.#port;
    this.#port = null;
    if (port !== null) this.#closing = Promise.all([this.#closing, port.close()]).then(() => undefined);
  }

  /** Sign in; once more over the same connection, if that has failed before. */
  async #open(link: number, effect: LinkEffect & { type: "open" }): Promise<void> {
    if (this.#port === null) {
      const { mesh, agent } = this.options;
      this.#port = this.connect(() => this.#findSite(), mesh, agent, effect.run, (event) => {
        this.hear({ type: "link", link, event });
      });
    }
    const port = this.#port;
    await this.#closing;
    port.do(effect);
  }

  /** Found once; a failure is not remembered. */
  #findSite(): Promise<Site> {
    this.#site ??= findSite(this.options.site ?? "").catch((error: unknown) => {
      this.#site = null;
      throw error;
    });
    return this.#site;
  }

  async #end(): Promise<void> {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    await this.#saving;
    this.#store?.close();
    await this.#closing;
    this.ended();
  }
}
