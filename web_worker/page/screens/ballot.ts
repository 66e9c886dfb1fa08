/** The vote: who stands at how many, who has chosen whom, who is still to choose, and one's own vote. */

import { html, nothing, type TemplateResult } from "lit-html";
import type { Game } from "../game_state.ts";
import { sendingOf } from "../game_state.ts";
import { optionFor, optionsOf } from "../options.ts";
import { chooser, graveyard, type Choice } from "../parts/seats.ts";
import { livingOf, nameOf, NOBODY, type PublicView } from "../views.ts";
import { counted, listed } from "../words.ts";
import type { Deeds } from "./deeds.ts";

export function ballot(game: Game, view: PublicView, deeds: Deeds): TemplateResult {
  const targets = optionFor(optionsOf(view, game.own), "mafia.ballot")?.targets ?? [];
  const mine = mineOf(game, view);
  const isSending = sendingOf(game, "mafia.ballot") !== undefined;
  const choices = standing(view).map((id): Choice => {
    const isChosen = mine === id;
    return { id, isChosen, isSending: isSending && isChosen, voters: votersOf(view, id), isOpen: targets.includes(id) };
  });
  const vote = (id: string) => deeds.send("mafia.ballot", { target: mine === id ? null : id });
  return html`<section class="panel" aria-labelledby="ballot-title">
      <h2 id="ballot-title">${targets.length > 0 ? "Your vote" : "The votes"}</h2>
      <p class="hint">${standings(view)}</p>
      ${chooser(view, game, choices, { title: "Who must go", choose: "Vote for", nobody: "Nobody" }, vote)}
      <p class="hint">${targets.length > 0 ? ownState(view, mine, isSending) : nothing} ${stillToVote(view)}</p>
    </section>
    ${graveyard(view, game)}`;
}

/** Whom the player has chosen: what is on its way counts before what the views show. Null: nobody yet. */
function mineOf(game: Game, view: PublicView): string | null {
  const sending = sendingOf(game, "mafia.ballot");
  if (sending) return sending.body["target"] ?? null;
  if (game.agentId === null) return null;
  return (view.rules.secret ? game.own?.ballot : view.ballots?.[game.agentId]) ?? null;
}

/** Whom a ballot may name, in the order of the table. */
function standing(view: PublicView): string[] {
  const living = livingOf(view).map((seat) => seat.id);
  const candidates = view.candidates?.length ? living.filter((id) => view.candidates?.includes(id)) : living;
  return view.rules.abstain ? [...candidates, NOBODY] : candidates;
}

/** Who has chosen this one; null when ballots are secret. */
function votersOf(view: PublicView, id: string): Choice["voters"] {
  const { ballots } = view;
  return ballots ? view.seats.filter((seat) => ballots[seat.id] === id) : null;
}

/** How the count stands, in words. */
export function standings(view: PublicView): string {
  const living = livingOf(view).length;
  const needed = view.rules.ballot === "majority" ? ` ${Math.floor(living / 2) + 1} votes are needed.` : "";
  if (!view.ballots) return `Votes are secret; only their number at the end will be shown.${needed}`;
  const tally: Record<string, number> = {};
  for (const whom of Object.values(view.ballots)) tally[whom] = (tally[whom] ?? 0) + 1;
  const most = Math.max(0, ...Object.values(tally));
  if (most === 0) return `No votes yet.${needed}`;
  const leaders = Object.keys(tally).filter((id) => tally[id] === most);
  const names = leaders.map((id) => (id === NOBODY ? "nobody" : nameOf(view, id)));
  const lead = leaders.length > 1 ? `have ${most} each` : `leads with ${counted(most, "vote")}`;
  const text = `${listed(names)} ${lead}.`;
  return `${text[0]?.toUpperCase() ?? ""}${text.slice(1)}${needed}`;
}

function ownState(view: PublicView, mine: string | null, isSending: boolean): string {
  if (isSending) return "On its way.";
  if (mine === null) return "You have not voted. Touch a name; you can change it until the time is up.";
  return `You vote for ${mine === NOBODY ? "nobody" : nameOf(view, mine)}. Touch it again to take it back.`;
}

function stillToVote(view: PublicView): TemplateResult {
  const has = new Set(view.ballots ? Object.keys(view.ballots) : (view.balloted ?? []));
  const missing = livingOf(view).filter((seat) => !has.has(seat.id));
  if (missing.length === 0) return html`Everybody has voted.`;
  return html`Still to vote: ${listed(missing.map((seat) => (seat.absent ? `${seat.name} (away)` : seat.name)))}.`;
}
