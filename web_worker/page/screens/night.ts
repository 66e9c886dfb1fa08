/**
 * The night. Everybody living sees a list of names and may touch one, role or not: for those without an ability it is a
 * note to themselves. So people in one room cannot tell by a glance, or by the sound of fingers, who is up to something.
 */

import { html, type TemplateResult } from "lit-html";
import type { Game } from "../game_state.ts";
import { sendingOf } from "../game_state.ts";
import { optionFor, optionsOf, type Option } from "../options.ts";
import { chooser, graveyard, seatGrid, type Choice } from "../parts/seats.ts";
import { livingOf, nameOf, NOBODY, type PrivateView, type PublicView } from "../views.ts";
import { AFTERLIFE } from "../words.ts";
import type { Deeds } from "./deeds.ts";

/** What an ability asks, and what choosing is called. */
const QUESTIONS: Readonly<Record<string, { readonly ask: string; readonly choose: string }>> = {
  Detective: { ask: "Whom do you check tonight?", choose: "Check" },
  Doctor: { ask: "Whom do you watch over tonight?", choose: "Watch over" },
  Mafioso: { ask: "Who shall not wake up?", choose: "Choose" },
  Godfather: { ask: "Who shall not wake up?", choose: "Choose" },
};

export function night(game: Game, view: PublicView, deeds: Deeds): TemplateResult {
  const { own } = game;
  if (own === null || own.you.alive === false) {
    return html`<p class="panel quiet-night">${sleeping(game)}</p>${seatGrid(view, game)}`;
  }
  const option = optionFor(optionsOf(view, own), "mafia.act");
  return html`${option ? act(game, view, own, option, deeds) : hunch(game, view, deeds)} ${graveyard(view, game)}`;
}

function sleeping(game: Game): string {
  if (game.own === null) return "Nothing is seen from outside until dawn.";
  return `The dead sleep well. ${AFTERLIFE}`;
}

function act(game: Game, view: PublicView, own: PrivateView, option: Option, deeds: Deeds): TemplateResult {
  const { ask, choose } = QUESTIONS[own.you.role ?? ""] ?? { ask: "Whom do you choose tonight?", choose: "Choose" };
  const sending = sendingOf(game, "mafia.act");
  const current = own.action?.night === view.day ? (own.action.target ?? NOBODY) : null;
  const chosen = sending ? (sending.body["target"] ?? NOBODY) : current;
  const chosenBy = invert(own.faction?.night === view.day ? own.faction.choices : {});
  const choices = [...option.targets, NOBODY].map((id): Choice => {
    const voters = own.faction && game.isRoleShown ? view.seats.filter((seat) => chosenBy[id]?.includes(seat.id)) : null;
    return { id, isChosen: chosen === id, isSending: sending !== undefined && chosen === id, voters, isOpen: true };
  });
  const labels = { title: ask, choose, nobody: "Nobody" };
  const send = (id: string) => deeds.send("mafia.act", { target: id === NOBODY ? null : id });
  return html`<section class="panel" aria-labelledby="act-title">
    <h2 id="act-title">${ask}</h2>
    <p class="hint">${state(view, chosen)} ${together(view, own, game.isRoleShown)}</p>
    ${chooser(view, game, choices, labels, send)}
  </section>`;
}

/** Target to the members who chose it. */
function invert(choices: Readonly<Record<string, string | null>>): Readonly<Record<string, readonly string[]>> {
  const chosen: Record<string, string[]> = {};
  for (const [who, whom] of Object.entries(choices)) (chosen[whom ?? NOBODY] ??= []).push(who);
  return chosen;
}

function state(view: PublicView, chosen: string | null): string {
  if (chosen === null) return "Choose before the night is over. You can change it until then.";
  return `${chosen === NOBODY ? "Nobody" : nameOf(view, chosen)} it is. You can change it until dawn.`;
}

/** How those who choose together come to one name. Who they are, a face-down card does not tell. */
function together(view: PublicView, own: PrivateView, isRoleShown: boolean): string {
  if (!livingOf(view).some((seat) => own.partners?.[seat.id])) return "";
  const rule = "What most of you choose is done; a tie is settled by lot.";
  return isRoleShown ? rule : `${rule} Turn your card to see what your partners choose and say.`;
}

/** For those who sleep: the same list, and nothing of it leaves the page. */
function hunch(game: Game, view: PublicView, deeds: Deeds): TemplateResult {
  const choices = livingOf(view)
    .filter((seat) => seat.id !== game.agentId)
    .map(({ id }): Choice => ({ id, isChosen: game.hunches[id] === true, isSending: false, voters: null, isOpen: true }));
  const count = Object.keys(game.hunches).length;
  const noted = count > 0 ? `: ${count === 1 ? "one name" : `${count} names`} so far` : "";
  const labels = { title: "Whom do you suspect?", choose: "Suspect", nobody: "Nobody" };
  return html`<section class="panel" aria-labelledby="hunch-title">
    <h2 id="hunch-title">Whom do you suspect?</h2>
    <p class="hint">A note to yourself, seen by nobody else${noted}. You sleep while others may not.</p>
    ${chooser(view, game, choices, labels, (id) => deeds.tell({ type: "hunch", id }))}
  </section>`;
}
