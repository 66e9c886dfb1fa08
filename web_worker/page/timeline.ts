/** The story of a finished game, day by day, out of the last public view. */

import { NOBODY, nameOf, seatOf, type Night, type PublicView } from "./views.ts";
import { counted, verdictSentence } from "./words.ts";

export interface Chapter {
  readonly title: string;
  readonly isNight: boolean;
  readonly lines: readonly Line[];
}

export interface Line {
  readonly text: string;
  /** What kind of thing happened, for its sign. */
  readonly sign: "deed" | "death" | "saved" | "verdict" | "quiet";
}

/** Nights and days in order. Before the game is over there are no nights in the view, and so none here. */
export function chaptersOf(view: PublicView): readonly Chapter[] {
  const chapters: Chapter[] = [];
  for (let day = 1; day <= view.day; day += 1) {
    const night = view.nights?.find((each) => each.day === day);
    if (night) chapters.push({ title: `Night ${day}`, isNight: true, lines: nightLines(view, night) });
    const verdicts = view.verdicts.filter((verdict) => verdict.day === day);
    if (verdicts.length > 0) {
      const lines = verdicts.map((verdict): Line => {
        const dies = verdict.chosen !== NOBODY;
        return { text: verdictSentence(view, verdict), sign: dies ? "death" : "verdict" };
      });
      chapters.push({ title: `Day ${day}`, isNight: false, lines });
    }
  }
  return chapters;
}

function nightLines(view: PublicView, night: Night): Line[] {
  const lines = Object.entries(night.actions).flatMap(([actor, target]) => deed(view, actor, target));
  for (const id of night.saved) lines.push({ text: `${nameOf(view, id)} was attacked, and saved.`, sign: "saved" });
  for (const id of night.died) lines.push({ text: `${nameOf(view, id)} was killed.`, sign: "death" });
  return lines.length > 0 ? lines : [{ text: "Nothing stirred.", sign: "quiet" }];
}

const DEEDS: Readonly<Record<string, string>> = {
  Detective: "checked",
  Doctor: "watched over",
  Mafioso: "chose",
  Godfather: "chose",
};

function deed(view: PublicView, actor: string, target: string | null): Line[] {
  const role = seatOf(view, actor)?.role ?? "";
  const who = `${nameOf(view, actor)} (${role})`;
  if (target === null) return [{ text: `${who} stayed at home.`, sign: "quiet" }];
  return [{ text: `${who} ${DEEDS[role] ?? "called on"} ${nameOf(view, target)}.`, sign: "deed" }];
}

/** One sentence about the length of the game. */
export function lengthOf(view: PublicView): string {
  const dead = view.seats.filter((seat) => !seat.alive).length;
  return `${counted(view.day, "night")}, ${counted(dead, "death")} among ${view.seats.length}.`;
}
