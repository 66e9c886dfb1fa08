/**
 * What the page knows of one game, and how that changes: a pure function from state and event to state. What is on the
 * screen is a function of it and of the time.
 */

import { learnt, UNSET, type StoreClock } from "./clock.ts";
import type { CommandBody, Connection, LineEvent } from "./line.ts";
import { newsBetween } from "./news.ts";
import type { CommandKind, PrivateView, PublicView } from "./views.ts";
import { CAME_LATE, lossSentence, refusalSentence, STORAGE_WARNING, unsentSentence } from "./words.ts";

/** The parts of a game between which a small screen switches. */
export type Tab = "town" | "talk" | "you";

export interface Game {
  readonly code: string;
  /** The player's agent; null for a spectator. */
  readonly agentId: string | null;
  readonly view: PublicView | null;
  readonly own: PrivateView | null;
  readonly clock: StoreClock;
  readonly connection: Connection;
  /** Why the line was lost; empty otherwise. */
  readonly reason: string;
  /** The commands on their way, oldest first. */
  readonly sending: readonly Sending[];
  /** The last lines of talk that the mesh has taken, so that one refused later can be given back; at most `SAID_MAX`. */
  readonly said: readonly Sending[];
  /** The last refusal as a sentence, until it is put away or something is sent anew. */
  readonly notice: string;
  /** Whether this browser keeps what a reload needs. */
  readonly isKept: boolean;
  /** What that it does not means, as a sentence, until it is put away. */
  readonly warning: string;
  /** What a screen reader is told, latest last; at most `NEWS_MAX`. */
  readonly news: readonly string[];
  readonly tab: Tab;
  readonly isRoleShown: boolean;
  /** The link to this game has been copied from here. */
  readonly isLinkCopied: boolean;
  /** Whoever watches may take over a seat that a program plays. */
  readonly areSeatsOffered: boolean;
  /** Whom the player suspects, seat id to true: known to this page alone. */
  readonly hunches: Readonly<Record<string, true>>;
  /** How many lines of each channel have been seen. */
  readonly read: Readonly<Record<string, number>>;
}

/** A command on its way. */
export interface Sending {
  /** The page's own count. */
  readonly id: number;
  readonly kind: CommandKind;
  readonly body: CommandBody;
  /** The number under which the mesh has it; null before that is certain. */
  readonly number: number | null;
}

export type GameEvent =
  | { readonly type: "line"; readonly event: LineEvent; readonly steadyMs: number }
  | { readonly type: "sent"; readonly sending: Sending }
  /** The mesh has it for certain. */
  | { readonly type: "taken"; readonly id: number; readonly number: number }
  | { readonly type: "not taken"; readonly id: number; readonly reason: string }
  | { readonly type: "tab"; readonly tab: Tab }
  | { readonly type: "role"; readonly isShown: boolean }
  | { readonly type: "hunch"; readonly id: string }
  | { readonly type: "read"; readonly channel: string; readonly count: number }
  | { readonly type: "seats offered" }
  | { readonly type: "link copied" }
  | { readonly type: "notice put away" }
  | { readonly type: "warning put away" };

export const NEWS_MAX = 4;
export const SENDING_MAX = 20;
export const SAID_MAX = 5;

/** A game of which nothing is known yet. */
export function unknownGame(code: string, agentId: string | null): Game {
  return {
    code,
    agentId,
    view: null,
    own: null,
    clock: UNSET,
    connection: "CONNECTING",
    reason: "",
    sending: [],
    said: [],
    notice: "",
    isKept: true,
    warning: "",
    news: [],
    tab: "town",
    isRoleShown: false,
    isLinkCopied: false,
    areSeatsOffered: false,
    hunches: {},
    read: {},
  };
}

export function advance(game: Game, event: GameEvent): Game {
  switch (event.type) {
    case "line":
      return told(game, event.event, event.steadyMs);
    case "sent":
      return { ...game, notice: "", sending: enqueued(game.sending, event.sending) };
    case "taken":
      return taken(game, event.id, event.number);
    case "not taken": {
      const lost = game.sending.find((each) => each.id === event.id);
      const rest = unsettled(game, (each) => (each.id === event.id ? null : each));
      return { ...rest, notice: unsentSentence(event.reason) + givenBack(lost) };
    }
    case "tab":
      return { ...game, tab: event.tab };
    case "role":
      return { ...game, isRoleShown: event.isShown };
    case "hunch":
      return { ...game, hunches: toggled(game.hunches, event.id) };
    case "read":
      return (game.read[event.channel] ?? 0) >= event.count
        ? game
        : { ...game, read: { ...game.read, [event.channel]: event.count } };
    case "seats offered":
      return { ...game, areSeatsOffered: true };
    case "link copied":
      return { ...game, isLinkCopied: true };
    case "notice put away":
      return { ...game, notice: "" };
    case "warning put away":
      return { ...game, warning: "" };
  }
}

function told(game: Game, event: LineEvent, steadyMs: number): Game {
  switch (event.type) {
    case "connection":
      return connection(game, event.state, event.reason);
    case "storage":
      if (event.isKept === game.isKept) return game;
      return { ...game, isKept: event.isKept, warning: event.isKept ? "" : STORAGE_WARNING };
    case "refused": {
      const rest = unsettled(game, (each) => (each.number === event.number ? null : each));
      const lost = game.said.find((each) => each.number === event.number);
      return { ...rest, notice: refusalSentence(event.reason) + givenBack(lost) };
    }
    case "own":
      return unsettled({ ...game, clock: learnt(game.clock, event.atMs, steadyMs), own: event.view });
    case "public":
      return unsettled(turned({ ...game, clock: learnt(game.clock, event.atMs, steadyMs) }, event.view));
  }
}

function taken(game: Game, id: number, number: number): Game {
  const said = game.sending.filter((each) => each.id === id && each.kind === "mafia.say").map((each) => ({ ...each, number }));
  const rest = unsettled(game, (each) => (each.id === id ? { ...each, number } : each));
  return { ...rest, said: [...game.said, ...said].slice(-SAID_MAX) };
}

/** What somebody has written is not lost with its refusal. */
function givenBack(lost: Sending | undefined): string {
  const text = lost?.body["text"];
  return text ? ` You wrote: “${text}”` : "";
}

function connection(game: Game, state: Connection, reason: string): Game {
  const isNews = state !== game.connection && game.connection !== "CONNECTING";
  const news = isNews ? [connectionNews(state, reason, game.view !== null)] : [];
  return { ...game, connection: state, reason, news: heard(game.news, news) };
}

function connectionNews(state: Connection, reason: string, wasSeen: boolean): string {
  if (state === "CONNECTED") return "Connected again.";
  return state === "LOST" ? lossSentence(reason, wasSeen) : "Connection lost; trying again.";
}

/** The public view has changed. A new phase calls to the stage, and nothing chosen in the old one is on its way any more. */
function turned(game: Game, view: PublicView): Game {
  const news = heard(game.news, newsBetween(game.view, view));
  const isNewPhase = game.view !== null && game.view.phase !== view.phase;
  const isLate = game.view === null && cameLate(view, game.agentId);
  if (isLate) return { ...game, view, news, notice: `${CAME_LATE} You can watch it.` };
  if (!isNewPhase) return { ...game, view, news };
  const sending = game.sending.filter((each) => !isChoice(each));
  return { ...game, view, news, sending, notice: "", tab: view.phase === "discussion" ? "talk" : "town" };
}

/** Somebody who wanted to play has come to a game that is on. */
function cameLate(view: PublicView, agentId: string | null): boolean {
  const isOn = view.phase !== "lobby" && view.phase !== "over";
  return isOn && agentId !== null && !view.seats.some((seat) => seat.id === agentId);
}

function heard(news: readonly string[], more: readonly string[]): readonly string[] {
  return more.length === 0 ? news : [...news, ...more].slice(-NEWS_MAX);
}

function isChoice(sending: Sending): boolean {
  return sending.kind === "mafia.act" || sending.kind === "mafia.ballot";
}

/** Of several choices the last one counts. */
function enqueued(sending: readonly Sending[], added: Sending): readonly Sending[] {
  const others = isChoice(added) ? sending.filter((each) => each.kind !== added.kind) : sending;
  return [...others, added].slice(-SENDING_MAX);
}

/** What is still on its way, after each was changed or (null) taken out. A choice is settled when the views show it. */
function unsettled(game: Game, change: (each: Sending) => Sending | null = (each) => each): Game {
  const sending = game.sending
    .map(change)
    .filter((each): each is Sending => each !== null && (isChoice(each) ? !isShown(game, each) : each.number === null));
  return { ...game, sending };
}

function isShown({ view, own, agentId }: Game, sending: Sending): boolean {
  if (view === null || agentId === null || sending.number === null) return false;
  const target = sending.body["target"] ?? null;
  if (sending.kind === "mafia.act") return own?.action?.night === view.day && own.action.target === target;
  const cast = view.rules.secret ? own?.ballot : view.ballots?.[agentId];
  return (cast ?? null) === target;
}

function toggled(marks: Readonly<Record<string, true>>, id: string): Readonly<Record<string, true>> {
  const { [id]: was, ...others } = marks;
  return was ? others : { ...others, [id]: true };
}

/** The last command of a kind that is still on its way; undefined when none is. */
export function sendingOf(game: Game, kind: CommandKind): Sending | undefined {
  return game.sending.filter((each) => each.kind === kind).pop();
}
