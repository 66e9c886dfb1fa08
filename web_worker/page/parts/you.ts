/** The player's own corner: the card, what it has told, the partners, the will. Nothing here is in anybody else's page. */

import { html, nothing, type TemplateResult } from "lit-html";
import type { Game } from "../game_state.ts";
import { sendingOf } from "../game_state.ts";
import { optionFor, optionsOf } from "../options.ts";
import type { Deeds } from "../screens/deeds.ts";
import { livingOf, nameOf, type PrivateView, type PublicView } from "../views.ts";
import { CAME_LATE, SIDE_NAMES } from "../words.ts";
import { avatar } from "./avatar.ts";
import { roleSign } from "./signs.ts";
import { TEXT_CHARS_MAX } from "./talk.ts";

/** The card with the role: face down until its owner turns it, for a screen is easily seen by others. */
export function card(own: PrivateView, isShown: boolean, deeds: Deeds): TemplateResult {
  const { you } = own;
  const turn = () => deeds.tell({ type: "role", isShown: !isShown });
  if (!isShown) {
    return html`<button type="button" class="card is-down" aria-expanded="false" @click=${turn}>
      <span class="card-back" aria-hidden="true">${roleSign("")}</span>
      <span class="card-hint">Show my role</span>
    </button>`;
  }
  return html`<button type="button" class="card side-${you.side ?? "town"}" aria-expanded="true" @click=${turn}>
    <span class="card-sign" aria-hidden="true">${roleSign(you.role ?? "")}</span>
    <span class="card-role">${you.role}</span>
    <span class="card-side">You win with ${SIDE_NAMES[you.side ?? ""] ?? you.side}.</span>
    <span class="card-about">${you.about}</span>
    <span class="card-hint">Hide it again</span>
  </button>`;
}

/** The whole corner; a spectator's says what watching means. */
export function corner(game: Game, deeds: Deeds): TemplateResult {
  const { view, own } = game;
  if (view === null) return html``;
  if (view.phase === "over" || view.phase === "lobby") return html``;
  const isSeated = view.seats.some((seat) => seat.id === game.agentId);
  if (own === null && !isSeated) return watching(game, view, deeds);
  if (!own?.you.role) return html``;
  return html`<section class="corner" aria-labelledby="you-title">
    <h2 id="you-title">You <span class="count">${own.you.name}${own.you.alive === false ? ", dead" : ""}</span></h2>
    ${view.phase === "reveal" ? nothing : card(own, game.isRoleShown, deeds)}
    ${game.isRoleShown ? secrets(view, own) : nothing} ${will(game, view, own, deeds)}
  </section>`;
}

function watching(game: Game, view: PublicView, deeds: Deeds): TemplateResult {
  const why = game.agentId === null ? "" : `${CAME_LATE} `;
  return html`<section class="corner" aria-labelledby="you-title">
    <h2 id="you-title">Watching</h2>
    <p>${why}You see what everybody at the table sees, and no card before it is turned.</p>
    ${game.areSeatsOffered ? offer(view, deeds) : nothing}
  </section>`;
}

function offer(view: PublicView, deeds: Deeds): TemplateResult {
  return html`<h3>Play yourself</h3>
    <p class="hint">Programs play here. Take over a seat, with its card and all it has said: the program leaves it to you.</p>
    <ul class="partners">
      ${livingOf(view).map(
        ({ id, name }) => html`<li>
          ${avatar(id)} <button type="button" @click=${() => deeds.takeOver(id)}>Play as ${name}</button>
        </li>`,
      )}
    </ul>`;
}

function secrets(view: PublicView, own: PrivateView): TemplateResult {
  const partners = Object.entries(own.partners ?? {});
  return html`${
    partners.length > 0
      ? html`<h3>With you</h3>
          <ul class="partners">
            ${partners.map(([id, role]) => html`<li>${avatar(id)} <span>${nameOf(view, id)}, ${role}</span></li>`)}
          </ul>`
      : nothing
  }
  ${
    own.results?.length
      ? html`<h3>What you know</h3>
          <ul class="results">
            ${own.results.map(
              (result) => html`<li>
                Night ${result.night}: ${nameOf(view, result.target)} reads
                <strong class="reads-${result.says}">${result.says}</strong>.
              </li>`,
            )}
          </ul>`
      : nothing
  }`;
}

function will(game: Game, view: PublicView, own: PrivateView, deeds: Deeds): TemplateResult | typeof nothing {
  if (!optionFor(optionsOf(view, own), "mafia.will")) return nothing;
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const field = (event.currentTarget as HTMLFormElement).elements.namedItem("will") as HTMLTextAreaElement;
    deeds.send("mafia.will", { text: field.value.replace(/\s+/g, " ").trim() });
  };
  const kept = own.will ? "Saved. Empty it to take it back." : "Nobody reads it while you live.";
  const state = sendingOf(game, "mafia.will") ? "Saving" : kept;
  return html`<form class="last-words" @submit=${submit}>
    <label for="will">Last words</label>
    <textarea id="will" name="will" rows="3" maxlength=${TEXT_CHARS_MAX} aria-describedby="will-state"
      placeholder="Read out to all if you die" .defaultValue=${own.will ?? ""}></textarea>
    <div class="row">
      <button type="submit">Save</button>
      <p class="hint" id="will-state">${state}</p>
    </div>
  </form>`;
}
