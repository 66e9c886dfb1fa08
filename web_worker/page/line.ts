/**
 * The line to a game: all that the page needs of whoever connects it, be it an agent with a seat, a spectator's
 * listener or a fixture. The page holds no SDK and knows no document; it is told views and sends commands.
 */

import type { CommandKind, PrivateView, PublicView } from "./views.ts";

export type Connection = "CONNECTING" | "CONNECTED" | "SUSPENDED" | "LOST";

export type CommandBody = Readonly<Record<string, string | null>>;

/** What a line tells. `atMs` is the store's time of the log entry that a view follows from. */
export type LineEvent =
  | { readonly type: "public"; readonly view: PublicView; readonly atMs: number }
  /** The player's own view; null as long as the agent has no seat. */
  | { readonly type: "own"; readonly view: PrivateView | null; readonly atMs: number }
  /** The machine did not allow a command of this line. `number` as `send` gave it. */
  | { readonly type: "refused"; readonly number: number; readonly reason: string }
  | { readonly type: "connection"; readonly state: Connection; readonly reason: string }
  /** Whether this browser keeps what the line needs to go on after a reload. */
  | { readonly type: "storage"; readonly isKept: boolean };

/** A command that the mesh did not take. `STALE`: its phase was over before it could be sent. */
export class NotSent extends Error {
  constructor(readonly reason: string) {
    super(reason);
    this.name = "NotSent";
  }
}

export interface Line {
  /** The agent that has the seat; null for a spectator. */
  readonly agentId: string | null;
  /** Begin, or begin anew after LOST. Latest views come first, then every change; the listener must not throw. */
  open(listener: (event: LineEvent) => void, takeOver: boolean): void;
  /**
   * Send a command once, whatever happens to the connection, as long as the public view has what `onlyWhile` says.
   * Resolves with its number when the mesh has it for certain, which may be minutes later; what came of it, the views
   * tell. Rejects with NotSent.
   */
  send(kind: CommandKind, body: CommandBody, onlyWhile: Readonly<Record<string, unknown>>): Promise<number>;
  /** End. `leaving` tells the mesh that the agent goes for good; else whoever opens its line anew goes on with it. */
  close(leaving: boolean): Promise<void>;
}
