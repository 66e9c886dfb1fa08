/** The end: who has won, every card, and the whole story. */

import { html, nothing, type TemplateResult } from "lit-html";
import type { Game } from "../game_state.ts";
import { avatar } from "../parts/avatar.ts";
import { roleSign } from "../parts/signs.ts";
import { chaptersOf, lengthOf } from "../timeline.ts";
import type { PublicView, Seat, Side } from "../views.ts";
import { deathSentence, SIDE_NAMES } from "../words.ts";
import type { Deeds } from "./deeds.ts";

export function ending(game: Game, view: PublicView, deeds: Deeds): TemplateResult {
  const mine = view.seats.find((seat) => seat.id === game.agentId);
  return html`${mine?.side ? html`<p class="panel verdict">${fate(view, mine)}</p>` : nothing}
    ${(["mafia", "town"] as const).map((side) => cards(game, view, side))} ${story(view)}
    <button type="button" class="primary" @click=${() => deeds.go({ to: "home" })}>Another game</button>`;
}

function fate(view: PublicView, mine: Seat): string {
  const side = SIDE_NAMES[mine.side ?? ""] ?? mine.side;
  if (view.winner !== "town" && view.winner !== "mafia") return `You were with ${side}, and nobody has won.`;
  const how = mine.alive ? "and you lived to see it" : "though you did not live to see it";
  return view.winner === mine.side ? `You were with ${side}: you have won, ${how}.` : `You were with ${side}: you have lost.`;
}

function cards(game: Game, view: PublicView, side: Side): TemplateResult | typeof nothing {
  const seats = view.seats.filter((seat) => seat.side === side);
  if (seats.length === 0) return nothing;
  const title = side === "mafia" ? "The mafia" : "The town";
  return html`<section class="table" aria-labelledby="cards-${side}">
    <h2 id="cards-${side}">${title} ${view.winner === side ? html`<span class="badge is-you">won</span>` : nothing}</h2>
    <ul class="seats cards">
      ${seats.map(
        (seat) => html`<li class="seat side-${side} ${seat.alive ? "" : "is-dead"}">
          ${avatar(seat.id, seat.alive)}
          <div class="who">
            <span class="called">
              <span class="name">${seat.name}</span>
              ${seat.id === game.agentId ? html`<span class="badge is-you">you</span>` : nothing}
            </span>
            <span class="role">${roleSign(seat.role ?? "")}${seat.role}</span>
            <span class="fate">${seat.alive ? "survived" : deathSentence(seat)}</span>
          </div>
        </li>`,
      )}
    </ul>
  </section>`;
}

function story(view: PublicView): TemplateResult | typeof nothing {
  const chapters = chaptersOf(view);
  if (chapters.length === 0) return nothing;
  return html`<section class="panel story" aria-labelledby="story-title">
    <h2 id="story-title">How it went <span class="count">${lengthOf(view)}</span></h2>
    <ol class="timeline">
      ${chapters.map(
        (chapter) => html`<li class=${chapter.isNight ? "is-night" : "is-day"}>
          <h3>${chapter.title}</h3>
          <ul>
            ${chapter.lines.map(
              ({ sign, text }) => html`<li class="is-${sign}">${roleSign(sign)}<span>${text}</span></li>`,
            )}
          </ul>
        </li>`,
      )}
    </ol>
  </section>`;
}
