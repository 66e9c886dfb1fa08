/** The middle of a game: what the present phase is about, and what there is to do. */

import { html, nothing, type TemplateResult } from "lit-html";
import type { Game } from "../game_state.ts";
import { seatGrid } from "../parts/seats.ts";
import { card } from "../parts/you.ts";
import { AFTERLIFE, asSentence, dawnSentence, fallen, PHASE_LINES, verdictSentence } from "../words.ts";
import { avatar } from "../parts/avatar.ts";
import { nameOf, NOBODY, type PublicView } from "../views.ts";
import { ballot } from "./ballot.ts";
import type { Deeds } from "./deeds.ts";
import { lobby } from "./lobby.ts";
import { night } from "./night.ts";
import { ending } from "./ending.ts";

/** The line under the title. */
export function subtitle(game: Game): string {
  const { view } = game;
  if (view === null) return game.connection === "LOST" ? "" : "Finding the table.";
  const verdict = view.verdicts[view.verdicts.length - 1];
  if (view.phase === "dawn") return dawnSentence(view);
  if (view.phase === "dusk" && verdict) return verdictSentence(view, verdict);
  if (view.phase === "over") return asSentence(view.why ?? "");
  return PHASE_LINES[view.phase];
}

export function stage(game: Game, deeds: Deeds): TemplateResult {
  const { view } = game;
  if (view === null) return html`<p class="hint">${game.connection === "LOST" ? "" : "This takes a moment."}</p>`;
  switch (view.phase) {
    case "lobby":
      return lobby(game, view, deeds);
    case "reveal":
      return reveal(game, view, deeds);
    case "night":
      return night(game, view, deeds);
    case "ballot":
    case "revote":
      return ballot(game, view, deeds);
    case "over":
      return ending(game, view, deeds);
    case "dawn":
    case "discussion":
    case "dusk":
      return html`${epitaphs(view, game.agentId)} ${seatGrid(view, game)}`;
  }
}

function reveal(game: Game, view: PublicView, deeds: Deeds): TemplateResult {
  return html`${
      game.own?.you.role
        ? html`<section class="panel reveal" aria-label="Your card">${card(game.own, game.isRoleShown, deeds)}</section>`
        : nothing
    }
    <section class="panel" aria-labelledby="deck-title">
      <h2 id="deck-title">In this game</h2>
      <ul class="deck">
        ${Object.entries(view.roles).map(([role, count]) => html`<li><strong>${count}</strong> × ${role}</li>`)}
      </ul>
    </section>
    ${seatGrid(view, game)}`;
}

/** Who has just died, and what they left; nothing when nobody has. */
function epitaphs(view: PublicView, agentId: string | null): TemplateResult | typeof nothing {
  const verdict = view.verdicts[view.verdicts.length - 1];
  const executed = view.phase === "dusk" && verdict && verdict.chosen !== NOBODY ? [verdict.chosen] : [];
  const ids = view.phase === "dusk" ? executed : fallen(view).map((seat) => seat.id);
  const seats = view.seats.filter((seat) => ids.includes(seat.id));
  if (seats.length === 0 || view.phase === "discussion") return nothing;
  return html`<div class="epitaphs">
    ${seats.map(
      (seat) => html`<figure class="epitaph">
        ${avatar(seat.id, false)}
        <figcaption>
          <strong>${nameOf(view, seat.id)}</strong>
          <span>${was(view, seat.role)}</span>
          ${seat.id === agentId ? html`<p>This is you. ${AFTERLIFE}</p>` : nothing}
          ${seat.will ? html`<blockquote>${seat.will}</blockquote>` : nothing}
        </figcaption>
      </figure>`,
    )}
  </div>`;
}

function was(view: PublicView, role: string | undefined): string {
  if (role === undefined) return "took the card to the grave";
  return `was ${(view.roles[role] ?? 1) > 1 ? "a" : "the"} ${role}`;
}
