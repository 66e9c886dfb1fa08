/** What has happened between two public views, for those who listen to the page instead of looking at it. */

import { NOBODY, nameOf, type PublicView } from "./views.ts";
import { asSentence, dawnSentence, phaseTitle, verdictSentence, winnerTitle } from "./words.ts";

/** Sentences in the order in which they should be heard; empty when nothing worth interrupting has happened. */
export function newsBetween(before: PublicView | null, now: PublicView): readonly string[] {
  if (before === null) return [`${phaseTitle(now)}.`];
  if (before.phase !== now.phase || before.day !== now.day) return phaseNews(now);
  if (now.phase === "lobby") return lobbyNews(before, now);
  return ballotNews(before, now);
}

function phaseNews(now: PublicView): string[] {
  const news = [`${phaseTitle(now)}.`];
  const verdict = now.verdicts[now.verdicts.length - 1];
  if (now.phase === "dawn") news.push(dawnSentence(now));
  if (now.phase === "dusk" && verdict) news.push(verdictSentence(now, verdict));
  if (now.phase === "over") news.push(`${winnerTitle(now)}.`, asSentence(now.why ?? ""));
  return news;
}

function lobbyNews(before: PublicView, now: PublicView): string[] {
  const ids = new Set(before.seats.map((seat) => seat.id));
  const left = before.seats.filter((seat) => !now.seats.some((other) => other.id === seat.id));
  const came = now.seats.filter((seat) => !ids.has(seat.id));
  return [...came.map((seat) => `${seat.name} has sat down.`), ...left.map((seat) => `${seat.name} has left.`)];
}

function ballotNews(before: PublicView, now: PublicView): string[] {
  const [old, ballots] = [before.ballots ?? {}, now.ballots ?? {}];
  const cast = Object.entries(ballots).filter(([who, whom]) => old[who] !== whom);
  const takenBack = Object.keys(old).filter((who) => ballots[who] === undefined);
  return [
    ...cast.map(([who, whom]) => `${nameOf(now, who)} votes for ${whom === NOBODY ? "nobody" : nameOf(now, whom)}.`),
    ...takenBack.map((who) => `${nameOf(now, who)} takes the vote back.`),
  ];
}
