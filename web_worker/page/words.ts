/** Every sentence that depends on the game's own words. One place, so that one thing is always said the same way. */

import { NOBODY, nameOf, type PhaseName, type PublicView, type Seat, type Verdict } from "./views.ts";

/** What a phase is called. */
export const PHASE_TITLES: Readonly<Record<PhaseName, string>> = {
  lobby: "Gathering",
  reveal: "The deal",
  night: "Night",
  dawn: "Dawn",
  discussion: "Day",
  ballot: "The vote",
  revote: "Second vote",
  dusk: "Dusk",
  over: "The end",
};

/** What a reader is told under the title, whatever their role. */
export const PHASE_LINES: Readonly<Record<PhaseName, string>> = {
  lobby: "The table fills.",
  reveal: "Everybody looks at their card, and at nobody else’s.",
  night: "The town sleeps. Somebody does not.",
  dawn: "The shutters open.",
  discussion: "Talk. Somebody here is lying.",
  ballot: "Choose who must go, or choose nobody.",
  revote: "It was a tie. Choose again, among those who led.",
  dusk: "The town has decided.",
  over: "All cards are on the table.",
};

/** Why a command was refused, as a sentence that says what helps. */
const REFUSALS: Readonly<Record<string, string>> = {
  ABSTAIN_FORBIDDEN: "In this game a vote has to name somebody.",
  EMPTY: "There is nothing to read in that. Write at least one visible character.",
  GAME_OVER: "The game has ended; it takes no more moves.",
  ILLEGAL_TARGET: "That player cannot be chosen now. Choose somebody else.",
  MALFORMED: "That text has a character that cannot be shown. Take it out and try again.",
  NAME_TAKEN: "Somebody at this table has that name already. Choose another.",
  NOT_ALIVE: "Only the living may do this.",
  NOT_SEATED: "You have no seat in this game.",
  NOT_YOUR_CHANNEL: "You are not among those who speak there.",
  NOT_YOUR_ROLE: "Your role has nothing to do at night.",
  RESERVED_ID: "This seat cannot be used. Join the game anew.",
  SEATS_TAKEN: "Every seat is taken. You can still watch.",
  TOO_LONG: "That is too long. Shorten it a little.",
  TOO_MANY_MESSAGES: "You have said all you may in this phase. You can speak again in the next.",
  UNKNOWN_TARGET: "Nobody with that name sits here.",
  WRONG_PHASE: "Too late: that phase has just ended.",
};

export function refusalSentence(reason: string): string {
  return REFUSALS[reason] ?? `The game did not accept that (${reason || "no reason given"}). Try again.`;
}

/** Why a call for a seat failed, and what to do. */
const PROBLEMS: Readonly<Record<string, string>> = {
  offline: "No answer. Check your connection and try again; nothing was done twice.",
  "not-found": "There is no game with that code. Check it with whoever gave it to you.",
  "failed-precondition": "That game is full or has begun. You can still watch it.",
  "already-exists": "Somebody at that table has this name. Choose another.",
  "invalid-argument": "That does not fit together. Check the form and try again.",
  "resource-exhausted": "Too many tries just now. Wait a minute and try again.",
  unavailable: "The game is out of reach at the moment. Try again in a few seconds.",
  "deadline-exceeded": "The game is slow to answer. Try again; nothing is done twice.",
  unauthenticated: "That game is long over, or this page is out of date. Load it again, or begin a new game.",
  "permission-denied": "This site takes no guests for that at the moment. With a link to a seat of your own you can still play.",
};

export function problemSentence(code: string): string {
  return PROBLEMS[code] ?? "Something went wrong on our side. Try again in a moment.";
}

/** Why a command did not leave the page. */
const UNSENT: Readonly<Record<string, string>> = {
  INVALID: "That cannot be sent as it is. Shorten it and try again.",
  FULL: "Too much is waiting to be sent. Give the game a moment.",
  REFUSED: "The game did not take that. Try again.",
  STALE: "Too late: the phase had ended before the connection was back.",
  UNKNOWN: "The connection broke just then. Look whether it has counted, and repeat it if not.",
  ENDED: "Not sent: the connection to the game has ended.",
};

export function unsentSentence(reason: string): string {
  return UNSENT[reason] ?? "That was not sent. Try again.";
}

/** Why the line is lost for good, and the way on. */
const LOSSES: Readonly<Record<string, string>> = {
  OTHER_TAB: "This seat is open in another tab. Go on there, or take it over here.",
  TAKEN_OVER: "Another device plays this seat now. You can take it back.",
  REMOVED: "You have been taken out of this game.",
  LEFT: "You have left this game.",
  MESH_GONE: "This game is over and gone.",
  NO_PLACE: "This game lets nobody new in.",
  TICKET_REFUSED: "This link is no longer good: its game is long over, or whoever gave it has taken it back.",
  BROKEN: "Something in this page broke. Load it again; your seat is kept.",
};

/** `wasSeen`: the game has been on the screen before. */
export function lossSentence(reason: string, wasSeen: boolean): string {
  if (reason === "MESH_GONE" && !wasSeen) return "There is no game with this code, or it is over and gone. Check the code.";
  return LOSSES[reason] ?? "The connection to this game has ended.";
}

/** Whether the seat is gone for good with its line, so that this browser need not keep it. */
export function isSeatGone(reason: string): boolean {
  return reason === "TICKET_REFUSED" || reason === "MESH_GONE";
}

/** Why the game is not heard at the moment. It comes back by itself, and what was chosen is kept. */
const SUSPENSIONS: Readonly<Record<string, string>> = {
  NO_ANSWER: "No answer from the game. Trying again; what you choose is kept and sent once it is back.",
  NO_LEADER: "The game is choosing a new host. This takes a few seconds.",
  EARLIER_RUN: "Your seat was open a moment ago. It is free again in a few seconds.",
  DECLARED_DEAD: "You were away for a while. Taking your seat again.",
  NOT_ADMITTED: "Nobody opens the door yet. Trying again; there is nothing you need to do.",
};

export function suspensionSentence(reason: string): string {
  return SUSPENSIONS[reason] ?? "Connection lost. Trying again; what you choose is kept and sent once it is back.";
}

/** To who waits for a phase to end. */
export const LATE = "The game is late; it goes on by itself.";

/** What it means that the browser refuses storage, or has no room left. */
export const STORAGE_WARNING =
  "This browser keeps nothing for this page. You can play, but do not load it again: what was not sent yet would be lost, and perhaps your seat.";

/** Whether trying again may help, given why the line was lost. */
export function mayReturn(reason: string): boolean {
  return ["OTHER_TAB", "TAKEN_OVER", "BROKEN", "NO_PLACE", ""].includes(reason);
}

/** "Night 2", "Day 2: the vote". */
export function phaseTitle(view: PublicView): string {
  const title = PHASE_TITLES[view.phase];
  return view.phase === "night" || view.phase === "discussion" ? `${title} ${view.day}` : title;
}

/** Names joined as in speech. */
export function listed(names: readonly string[]): string {
  if (names.length < 2) return names[0] ?? "nobody";
  return `${names.slice(0, -1).join(", ")} and ${names[names.length - 1] ?? ""}`;
}

/** One, or several: "1 vote", "3 votes". */
export function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}

/** To who wanted a seat. */
export const CAME_LATE = "This game had begun when you came, so there is no seat for you.";

/** What the dead may still do. */
export const AFTERLIFE = "You see the rest of the game, and may talk to the other dead.";

/** How a count of ballots ended, as a sentence. */
export function verdictSentence(view: PublicView, verdict: Verdict): string {
  const votes = counted(verdict.tally[verdict.chosen] ?? 0, "vote");
  const who = nameOf(view, verdict.chosen);
  if (verdict.how === "silence") return "Nobody voted, and nobody dies.";
  if (verdict.how === "tie") return `A tie between ${listed(leaders(view, verdict))}: nobody dies.`;
  if (verdict.how === "no_majority") return "No one had more than half of the votes: nobody dies.";
  if (verdict.chosen === NOBODY) return `The town spares everybody, with ${votes}.`;
  if (verdict.how === "drawn") return `A tie, and the lot fell on ${who}.`;
  return `${who} is executed, with ${votes}.`;
}

function leaders(view: PublicView, verdict: Verdict): string[] {
  const most = Math.max(...Object.values(verdict.tally));
  return Object.keys(verdict.tally)
    .filter((choice) => verdict.tally[choice] === most)
    .map((choice) => nameOf(view, choice));
}

/** How and when somebody died. */
export function deathSentence(seat: Seat): string {
  if (!seat.death) return "";
  return seat.death.cause === "killed" ? `killed in night ${seat.death.day}` : `executed on day ${seat.death.day}`;
}

/** What the night left behind, as everybody learns it at dawn. */
export function dawnSentence(view: PublicView): string {
  const dead = fallen(view);
  if (dead.length === 0) return "Everybody wakes. Nobody died tonight.";
  return `${listed(dead.map((seat) => seat.name))} did not wake up.`;
}

/** Who was killed in the present day's night. */
export function fallen(view: PublicView): readonly Seat[] {
  return view.seats.filter((seat) => seat.death?.cause === "killed" && seat.death.day === view.day);
}

/** Who has won, for the headline of the end. */
export function winnerTitle(view: PublicView): string {
  if (view.winner === "town") return "The town wins";
  return view.winner === "mafia" ? "The mafia wins" : "Nobody wins";
}

/** The machine's reason for the end with a capital and a full stop. */
export function asSentence(text: string): string {
  return text ? `${text[0]?.toUpperCase() ?? ""}${text.slice(1)}.` : "";
}

export const SIDE_NAMES: Readonly<Record<string, string>> = { town: "the town", mafia: "the mafia" };
