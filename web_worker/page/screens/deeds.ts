/** What a screen may ask for. The screens draw; whoever made these does. */

import type { GameEvent } from "../game_state.ts";
import type { OpenGame } from "../../agent/generated/types.ts";
import type { Route } from "../router.ts";
import type { CommandKind } from "../views.ts";

export interface Deeds {
  /** Change what the page alone knows. */
  tell(event: GameEvent): void;
  /** Send a command to the game. */
  send(kind: CommandKind, body: Readonly<Record<string, string | null>>): void;
  go(route: Route): void;
  create(name: string, game: OpenGame): void;
  join(code: string, name: string): void;
  watch(code: string): void;
  /** Give up the seat in the lobby and go home. */
  leave(): void;
  /** Take over the seat of a program, from watching. */
  takeOver(agent: string): void;
  /** Open the line again after it was lost. */
  retry(): void;
  /** Copy a text, or let the device share it. */
  share(address: string): void;
}
