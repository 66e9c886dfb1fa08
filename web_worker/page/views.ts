/**
 * What the leader shows: the public view, and the private view of one seat. The page reads nothing else of the game.
 * `functions/firemesh/game/mafia/views.py` makes them; the fixtures are made by it, and a test holds them to each other.
 */

export type PhaseName =
  | "lobby"
  | "reveal"
  | "night"
  | "dawn"
  | "discussion"
  | "ballot"
  | "revote"
  | "dusk"
  | "over";

/** A ballot that names no player, and a game that no side has won. */
export const NOBODY = "nobody";

export interface Death {
  readonly day: number;
  readonly cause: "killed" | "executed";
}

export interface Seat {
  readonly id: string;
  readonly name: string;
  readonly alive: boolean;
  /** Nobody plays this seat at the moment; the game does not wait for it. */
  readonly absent: boolean;
  /** The mesh itself plays this seat. */
  readonly program?: true;
  readonly death?: Death;
  readonly will?: string;
  readonly role?: string;
  readonly side?: Side;
}

export type Side = "town" | "mafia";

export interface Message {
  /** Numbers the messages of its channel from 1. */
  readonly n: number;
  readonly day: number;
  readonly by: string;
  readonly text: string;
}

export interface Verdict {
  readonly day: number;
  readonly round: number;
  readonly chosen: string;
  readonly how: "most" | "majority" | "no_majority" | "tie" | "drawn" | "silence";
  readonly tally: Readonly<Record<string, number>>;
  /** Who chose whom; missing when ballots are secret. */
  readonly ballots?: Readonly<Record<string, string>>;
}

export interface Night {
  readonly day: number;
  readonly actions: Readonly<Record<string, string | null>>;
  readonly died: readonly string[];
  readonly saved: readonly string[];
}

export interface Rules {
  readonly seats: number;
  readonly ballot: "plurality" | "majority";
  readonly ties: "none" | "revote" | "random";
  readonly secret: boolean;
  readonly abstain: boolean;
  readonly reveal_role_on_death: boolean;
  readonly messages_per_phase: number;
  /** Programs take the seats that are left when the lobby ends. */
  readonly fill_with_programs?: true;
}

export interface PublicView {
  readonly game: "mafia";
  readonly phase: PhaseName;
  readonly day: number;
  /** Store time, milliseconds. */
  readonly started_ms: number;
  /** Store time, milliseconds; null after the game, 0 before the lobby's clock has started. */
  readonly deadline_ms: number | null;
  readonly rules: Rules;
  /** How many of each role were dealt; empty before the deal. */
  readonly roles: Readonly<Record<string, number>>;
  readonly seats: readonly Seat[];
  readonly verdicts: readonly Verdict[];
  readonly chat: readonly Message[];
  readonly chat_count: number;
  /** During a ballot: who may be chosen in a revote; empty means everybody. */
  readonly candidates?: readonly string[];
  readonly ballots?: Readonly<Record<string, string>>;
  /** Under a secret ballot: who has cast one. */
  readonly balloted?: readonly string[];
  readonly winner?: Side | typeof NOBODY;
  readonly why?: string;
  readonly nights?: readonly Night[];
}

export type TargetRule = "others" | "outsiders" | "candidates";

export interface Right {
  readonly kind: CommandKind;
  readonly targets?: TargetRule;
  readonly channel?: string;
}

export type CommandKind = "mafia.sit" | "mafia.leave" | "mafia.act" | "mafia.say" | "mafia.ballot" | "mafia.will";

export interface Reading {
  readonly night: number;
  readonly target: string;
  readonly says: "guilty" | "innocent";
}

export interface Faction {
  readonly name: string;
  /** The night that `choices` belongs to. */
  readonly night: number;
  readonly choices: Readonly<Record<string, string | null>>;
  readonly chat: readonly Message[];
}

export interface PrivateView {
  readonly you: {
    readonly id: string;
    readonly name: string;
    readonly role?: string;
    readonly side?: Side;
    readonly about?: string;
    readonly alive?: boolean;
  };
  readonly may: Readonly<Partial<Record<PhaseName, readonly Right[]>>>;
  readonly will?: string;
  readonly results?: readonly Reading[];
  /** The latest night's choice; it stays in view by day. */
  readonly action?: { readonly night: number; readonly target: string | null };
  /** Under a secret ballot: one's own. */
  readonly ballot?: string;
  /** Partner's id to role. */
  readonly partners?: Readonly<Record<string, string>>;
  readonly faction?: Faction;
  readonly dead_chat?: readonly Message[];
}

/** The seat of a player, if the id has one. */
export function seatOf(view: PublicView, id: string): Seat | undefined {
  return view.seats.find((seat) => seat.id === id);
}

/** A player's display name; "nobody" and ids without a seat speak for themselves. */
export function nameOf(view: PublicView, id: string): string {
  return seatOf(view, id)?.name ?? id;
}

/** The seats of the living, in seat order. */
export function livingOf(view: PublicView): readonly Seat[] {
  return view.seats.filter((seat) => seat.alive);
}
