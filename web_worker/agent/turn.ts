/** One event's work on the state. */

import { LEAVE } from "./generated/constants.ts";
import type { Beating, Effect, LinkEffect, Memory, Pending, State, Timer } from "./model.ts";
import type { AgentErrorCode, CommandOutcome, JsonObject, ToPage } from "./protocol.ts";

/** What changes, and what shall be done. */
export class Turn {
  readonly effects: Effect[] = [];

  constructor(public state: State) {}

  set(changes: Partial<State>): void {
    this.state = { ...this.state, ...changes };
  }

  remember(changes: Partial<Memory>): void {
    this.set({ memory: { ...this.state.memory, ...changes } });
  }

  beat(changes: Partial<Beating>): void {
    this.set({ beating: { ...this.state.beating, ...changes } });
  }

  over(effect: LinkEffect): void {
    this.effects.push({ type: "link", link: this.state.link, effect });
  }

  wait(timer: Timer, ms: number): void {
    this.effects.push({ type: "wait", timer, ms });
  }

  cancel(...timers: Timer[]): void {
    for (const timer of timers) this.effects.push({ type: "cancel", timer });
  }

  tell(message: ToPage): void {
    this.effects.push({ type: "tell", message });
  }

  fail(call: number, code: AgentErrorCode, text: string): void {
    this.tell({ type: "failure", call, code, text });
  }

  /** What became of a command: to the call that waits for it, and to whoever listens. */
  conclude(command: Pending, outcome: CommandOutcome["outcome"], text = "", seq = 0): void {
    if (command.kind === LEAVE) return; // nobody has sent it but the agent itself
    const call = this.state.sendCalls.get(command.id);
    if (call !== undefined) {
      const sendCalls = new Map(this.state.sendCalls);
      sendCalls.delete(command.id);
      this.set({ sendCalls });
      if (outcome === "SENT") this.tell({ type: "answer", call, value: seq });
      else this.fail(call, outcome, text);
    }
    const body = JSON.parse(command.payload) as JsonObject;
    this.tell({ type: "outcome", outcome: { kind: command.kind, body, outcome, text } });
  }
}

const PAUSES_MS = [250, 500, 1000, 2000, 5000, 10_000];

/** How long to wait after so many failures in a row. */
export function pauseMs(failures: number): number {
  return PAUSES_MS[Math.min(failures, PAUSES_MS.length) - 1] ?? 0;
}
