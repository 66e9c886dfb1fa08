/** The lobby: who sits, how others come in, and what it waits for. */

import { html, nothing, type TemplateResult } from "lit-html";
import type { Game } from "../game_state.ts";
import { sendingOf } from "../game_state.ts";
import { avatar } from "../parts/avatar.ts";
import { badges } from "../parts/seats.ts";
import { hashOf } from "../router.ts";
import { SEATS_MIN } from "./home.ts";
import type { PublicView } from "../views.ts";
import type { Deeds } from "./deeds.ts";
import { nameField } from "./home.ts";

export function lobby(game: Game, view: PublicView, deeds: Deeds): TemplateResult {
  const isSeated = view.seats.some((seat) => seat.id === game.agentId);
  return html`${game.agentId !== null && !isSeated ? sit(game, deeds) : nothing}
    <section class="panel" aria-labelledby="seats-title">
      <h2 id="seats-title">Who sits <span class="count">${view.seats.length} of ${view.rules.seats}</span></h2>
      <p>${waiting(view)}</p>
      <ul class="seats">
        ${view.seats.map(
          (seat) => html`<li class="seat">
            ${avatar(seat.id)}
            <div class="who"><span class="called"><span class="name">${seat.name}</span>${badges(seat, game)}</span></div>
          </li>`,
        )}
        ${Array.from({ length: view.rules.seats - view.seats.length }, () => FREE)}
      </ul>
    </section>
    ${invitation(game, deeds)} ${rules(view)}
    ${isSeated ? html`<button type="button" class="quiet" @click=${() => deeds.leave()}>Give up my seat</button>` : nothing}`;
}

const FREE = html`<li class="seat is-free"><span class="avatar" aria-hidden="true"></span><div class="who">free</div></li>`;

/** What the start waits for: a full table, or the deadline with enough people. */
export function waiting(view: PublicView): string {
  const missing = view.rules.seats - view.seats.length;
  const enough = view.seats.length >= SEATS_MIN;
  const filled = view.rules.fill_with_programs ? "programs take the seats that are left" : null;
  const full = `It begins at once when ${missing === 1 ? "one more sits" : `${missing} more sit`} down`;
  if (filled) return `${full}. When the time is up, ${filled}.`;
  if (enough) return `${full}, or when the time is up with those who are here.`;
  return `${full}. When the time is up, ${SEATS_MIN} are needed.`;
}

/** Sitting down goes by itself; this is for when the name was taken, or nothing has come of it. */
function sit(game: Game, deeds: Deeds): TemplateResult {
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    deeds.send("mafia.sit", { name: String(new FormData(event.currentTarget as HTMLFormElement).get("name")).trim() });
  };
  return html`<section class="panel" aria-labelledby="sit-title">
    <h2 id="sit-title">Sit down</h2>
    <form @submit=${submit}>
      ${nameField("")}
      <button class="primary" type="submit">${sendingOf(game, "mafia.sit") ? "Sitting down" : "Sit down"}</button>
    </form>
  </section>`;
}

function invitation(game: Game, deeds: Deeds): TemplateResult {
  const address = `${location.origin}${location.pathname}${hashOf({ to: "game", code: game.code })}`;
  return html`<section class="panel" aria-labelledby="invite-title">
    <h2 id="invite-title">Bring others</h2>
    <p>
      Tell them the code <strong class="code">${game.code}</strong>, or send the link.
      <span class="hint" role="status">${game.isLinkCopied ? "The link is copied." : ""}</span>
    </p>
    <div class="row">
      <input class="link" readonly aria-label="Link to this game" .value=${address}
        @focus=${(event: FocusEvent) => (event.currentTarget as HTMLInputElement).select()} />
      <button type="button" class="primary" @click=${() => deeds.share(address)}>Share</button>
    </div>
  </section>`;
}

const TIES = {
  none: "after a tie nobody dies",
  revote: "after a tie there is one more vote",
  random: "after a tie the lot decides",
} as const;

function rules({ rules: set }: PublicView): TemplateResult {
  const most = set.ballot === "majority" ? "more than half of the votes are needed" : "the most votes decide";
  return html`<section class="panel" aria-labelledby="rules-title">
    <h2 id="rules-title">The rules here</h2>
    <p>
      Votes are ${set.secret ? "secret" : "open"}; ${most}; ${TIES[set.ties]}. Cards of the dead
      ${set.reveal_role_on_death ? "are turned" : "stay face down"}. Everybody may say ${set.messages_per_phase} lines in a phase.
    </p>
  </section>`;
}
