/** A reducer with everything around it played by the test: what it wants done is recorded, and answered on request. */

import type { Admission, AgentRow } from "../../../web_worker/agent/generated/types.ts";
import { HEARTBEAT } from "../../../web_worker/agent/generated/constants.ts";
import {
  type AgentEvent,
  BLANK,
  type Effect,
  type LinkEffect,
  type LinkEvent,
  type Memory,
  type State,
  type Timer,
  newState,
} from "../../../web_worker/agent/model.ts";
import type { AgentStatus, CommandOutcome, JsonObject, SendOptions, ToPage } from "../../../web_worker/agent/protocol.ts";
import { reduce, statusOf } from "../../../web_worker/agent/reducer.ts";

export const INC = "0".repeat(11) + "1";
export const NEXT_INC = "0".repeat(11) + "2";

export function admission(inc = INC): Admission {
  const claims = { mesh: "m1", agent: "a1", inc, type: "worker", access_role: "worker", process: "client-a1" };
  return { ...claims, machine: "counter", params: {}, custom_token: `token of ${inc}`, session: "session" };
}

export function rowOf(inc = INC, status = "alive", since = 5): AgentRow {
  const rest = { environment: "cli", capabilities: [], type: "worker", process: "client-a1" };
  return { agent: "a1", inc, status, since, applied_index: since, ...rest };
}

type Linked<Type extends LinkEffect["type"]> = Extract<LinkEffect, { type: Type }>;

export class World {
  state: State = newState("a1", HEARTBEAT, false);
  /** What was wanted and not looked at yet. */
  effects: Effect[] = [];
  /** What the page has been told. */
  told: ToPage[] = [];
  readonly timers = new Map<Timer, number>();
  saved: Memory = BLANK;
  /** Whether what shall be saved is saved at once. */
  saves = true;
  #calls = 0;

  do(event: AgentEvent): this {
    const before = structuredClone(this.state);
    const { state, effects } = reduce(this.state, event);
    const isUntouched = JSON.stringify(this.state) === JSON.stringify(before);
    if (!isUntouched) throw new Error("the reducer has changed the state it was given");
    this.state = state;
    this.effects.push(...effects);
    for (const effect of effects) this.#keep(effect);
    return this;
  }

  #keep(effect: Effect): void {
    if (effect.type === "tell") this.told.push(effect.message);
    if (effect.type === "wait") this.timers.set(effect.timer, effect.ms);
    if (effect.type === "cancel") this.timers.delete(effect.timer);
    if (effect.type !== "save") return;
    this.saved = effect.memory;
    if (this.saves) this.do({ type: "saved", revision: effect.revision });
  }

  /** Something comes over the connection that is open. */
  hear(event: LinkEvent): this {
    return this.do({ type: "link", link: this.state.link, event });
  }

  /** A timer runs out; it must have been set. */
  ring(timer: Timer, late = false): this {
    if (!this.timers.delete(timer)) throw new Error(`nobody waits for ${timer}`);
    return this.do({ type: "timer", timer, late });
  }

  /** The next call of the page. */
  send(kind = "counter.add", body: JsonObject = { n: 1 }, terms: SendOptions = {}): number {
    const call = ++this.#calls;
    this.do({ type: "send", call, kind, body, terms: { onlyWhile: {}, repeatable: false, ...terms } });
    return call;
  }

  update(changes: JsonObject): number {
    const call = ++this.#calls;
    this.do({ type: "update", call, changes });
    return call;
  }

  /** What was wanted of the connection by this name since the last look. */
  wanted<Type extends LinkEffect["type"]>(type: Type): Linked<Type>[] {
    const found: Linked<Type>[] = [];
    this.effects = this.effects.filter((effect) => {
      if (effect.type !== "link" || effect.effect.type !== type) return true;
      found.push(effect.effect as Linked<Type>);
      return false;
    });
    return found;
  }

  /** How often the control plane was asked since the last look. */
  asked(): number {
    const before = this.effects.length;
    this.effects = this.effects.filter((effect) => effect.type !== "admit");
    return before - this.effects.length;
  }

  get status(): AgentStatus {
    return statusOf(this.state);
  }

  get outcomes(): CommandOutcome[] {
    return this.told.flatMap((message) => (message.type === "outcome" ? [message.outcome] : []));
  }

  /** What a call was answered; undefined as long as it waits. */
  answerTo(call: number): number | string | undefined {
    for (const message of this.told) {
      if (message.type === "answer" && message.call === call) return message.value;
      if (message.type === "failure" && message.call === call) return message.code;
    }
    return undefined;
  }

  // --- whole stretches of the way -------------------------------------------------------------------------------------------

  static started(memory: Memory = BLANK): World {
    return new World().do({ type: "started", memory, durable: true, admission: null });
  }

  /** Up to the join, which waits for the leader. */
  static entering(): World {
    const world = World.started().do({ type: "admitted", admission: admission() });
    return world.hear({ type: "opened" }).hear({ type: "submitted", seq: 1 });
  }

  static member(): World {
    const world = World.entering().beMember().hear({ type: "beaten", seq: 1 });
    world.effects = [];
    return world;
  }

  beMember(inc = INC, since = 5): this {
    this.hear({ type: "row", row: rowOf(inc, "alive", since) }).hear({ type: "live", live: true });
    this.effects = [];
    return this;
  }

  /** The page is loaded anew: nothing is left but what was saved. */
  reloaded(): World {
    const world = World.started(this.saved);
    return world;
  }

  see(view: JsonObject, applied_index = 9): this {
    return this.hear({ type: "view", audience: "public", view: { applied_index, at_ms: 1000, view } });
  }
}
