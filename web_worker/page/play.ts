/** One game being played or watched: joins the pure state to its line, and tells whoever draws when it has changed. */

import { advance, unknownGame, type Game, type GameEvent } from "./game_state.ts";
import { NotSent, type CommandBody, type Line } from "./line.ts";
import type { CommandKind } from "./views.ts";

export class Play {
  game: Game;
  private ids = 0;
  private hasSat = false;
  private isBack = false;

  /** `name`: what to sit down as, without being asked; empty for a spectator. Whoever has a seat goes by its name. */
  constructor(
    code: string,
    private readonly line: Line,
    private name: string,
    private readonly now: () => number,
    private readonly changed: () => void,
  ) {
    this.game = unknownGame(code, line.agentId);
  }

  /** Begin, or begin anew after the line was lost. */
  open(takeOver = false): void {
    this.line.open((event) => {
      this.tell({ type: "line", event, steadyMs: this.now() });
      this.sitOnce();
      this.sayIAmHere();
    }, takeOver);
  }

  tell(event: GameEvent): void {
    const before = this.game;
    this.game = advance(before, event);
    if (this.game !== before) this.changed();
  }

  /** Send a command. A choice counts only in the phase it was made in, however late it arrives. */
  send(kind: CommandKind, body: CommandBody): void {
    const id = ++this.ids;
    const { view } = this.game;
    const isChoice = kind === "mafia.act" || kind === "mafia.ballot";
    const onlyWhile = isChoice && view !== null ? { phase: view.phase, day: view.day } : {};
    this.tell({ type: "sent", sending: { id, kind, body, number: null } });
    this.line.send(kind, body, onlyWhile).then(
      (number) => this.tell({ type: "taken", id, number }),
      (error: unknown) => this.tell({ type: "not taken", id, reason: error instanceof NotSent ? error.reason : "UNKNOWN" }),
    );
  }

  async close(leaving = false): Promise<void> {
    await this.line.close(leaving);
  }

  /** A member without a seat sits down under its name, once; what was refused is then asked of the player. */
  private sitOnce(): void {
    const { view, agentId, connection, reason } = this.game;
    const seat = view?.seats.find((each) => each.id === agentId);
    if (seat !== undefined) this.name = seat.name;
    if (reason === "DECLARED_DEAD") this.hasSat = false; // the lobby has given the seat away
    if (this.hasSat || view?.phase !== "lobby" || agentId === null || connection !== "CONNECTED" || !this.name) return;
    this.hasSat = true;
    if (seat === undefined) this.send("mafia.sit", { name: this.name });
  }

  /** The game waits for nobody who was away, until something is heard of them: say so, once for each time away. */
  private sayIAmHere(): void {
    const { view, agentId, connection } = this.game;
    const seat = view?.seats.find((each) => each.id === agentId);
    const isMissed = seat !== undefined && seat.absent && seat.alive && view?.phase !== "over";
    if (isMissed && connection === "CONNECTED" && !this.isBack) this.send("mafia.sit", { name: seat.name });
    this.isBack = isMissed && connection === "CONNECTED";
  }
}
