/** A line through the SDK, as an agent with a seat or as a spectator, in the words of the page. */

import { AgentError, Spectator, WorkerAgent } from "../agent/agent.ts";
import type { AgentStatus, ViewShown } from "../agent/protocol.ts";
import { NotSent, type CommandBody, type Connection, type Line, type LineEvent } from "./line.ts";
import type { CommandKind, PrivateView, PublicView } from "./views.ts";

/** What the leader adds to the view of an agent that it refused something: its latest refusals, oldest first. */
interface Refused {
  readonly refused?: readonly { readonly seq: number; readonly kind: string; readonly reason: string }[];
}

const STATES: Readonly<Record<AgentStatus["connection"], Connection>> = {
  IDLE: "CONNECTING",
  CONNECTING: "CONNECTING",
  CONNECTED: "CONNECTED",
  SUSPENDED: "SUSPENDED",
  LOST: "LOST",
  STOPPED: "LOST",
};

export class AgentLine implements Line {
  readonly agentId: string | null;
  private tell: (event: LineEvent) => void = () => undefined;
  /** The commands sent by this page, so that refusals of an earlier one are no news. */
  private readonly sent = new Set<number>();
  private stopListening: readonly (() => void)[] = [];

  constructor(private readonly agent: WorkerAgent | Spectator) {
    this.agentId = agent instanceof WorkerAgent ? agent.options.agent : null;
  }

  open(listener: (event: LineEvent) => void, takeOver: boolean): void {
    this.unlisten();
    this.tell = listener;
    this.stopListening = [
      this.agent.on("status", (status) => this.connection(status)),
      this.agent.on("view", (shown) => this.view(shown)),
    ];
    this.agent.start({ takeOver });
  }

  async send(kind: CommandKind, body: CommandBody, onlyWhile: Readonly<Record<string, unknown>>): Promise<number> {
    if (this.agent instanceof Spectator) throw new NotSent("REFUSED");
    try {
      // Said twice is said twice; anything else done twice is done once.
      const number = await this.agent.sendToManager(kind, body, { onlyWhile, repeatable: kind !== "mafia.say" });
      this.sent.add(number);
      const own = this.agent.view("own");
      if (own !== undefined) this.refusals(own); // the refusal may have come before the number
      return number;
    } catch (error) {
      throw new NotSent(error instanceof AgentError ? error.code : "UNKNOWN");
    }
  }

  async close(leaving: boolean): Promise<void> {
    this.unlisten();
    if (leaving) await this.agent.stop();
    else this.agent.abandon();
  }

  private unlisten(): void {
    for (const stop of this.stopListening) stop();
    this.stopListening = [];
  }

  private connection(status: AgentStatus): void {
    const reason = status.connection === "STOPPED" ? "LEFT" : status.reason;
    this.tell({ type: "storage", isKept: status.durable });
    this.tell({ type: "connection", state: STATES[status.connection], reason });
  }

  private view(shown: ViewShown): void {
    if (shown.audience === "public" && "phase" in shown.view) {
      this.tell({ type: "public", view: shown.view as unknown as PublicView, atMs: shown.at_ms });
    } else if (shown.audience === "own") {
      const view = "you" in shown.view ? (shown.view as unknown as PrivateView) : null;
      this.tell({ type: "own", view, atMs: shown.at_ms });
      this.refusals(shown);
    }
  }

  private refusals(shown: ViewShown): void {
    for (const { seq, reason } of (shown.view as Refused).refused ?? []) {
      if (this.sent.delete(seq)) this.tell({ type: "refused", number: seq, reason });
    }
  }
}
