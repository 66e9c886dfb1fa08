/** What surrounds a game on every screen: the sky with phase and time, the connection, the three parts and their switch. */

import { html, nothing, type TemplateResult } from "lit-html";
import { isLate, minutes, progress, secondsUntil } from "../clock.ts";
import type { Game, Tab } from "../game_state.ts";
import { corner } from "../parts/you.ts";
import { skyPicture } from "../parts/sky.ts";
import { talk, unread } from "../parts/talk.ts";
import { LATE, lossSentence, mayReturn, phaseTitle, suspensionSentence, winnerTitle } from "../words.ts";
import type { Deeds } from "./deeds.ts";
import { stage, subtitle } from "./stage.ts";

const TABS: readonly { readonly tab: Tab; readonly title: string }[] = [
  { tab: "town", title: "Town" },
  { tab: "talk", title: "Talk" },
  { tab: "you", title: "You" },
];

/** A game as a whole. `steadyMs`: the page's steady clock, for the countdown. */
export function frame(game: Game, deeds: Deeds, steadyMs: number): TemplateResult {
  const hasTalk = game.view !== null && game.view.phase !== "lobby";
  return html`<div class="page is-game" data-tab=${hasTalk ? game.tab : "town"}>
    <header class="scene">
      ${skyPicture(game.view, passed(game, steadyMs))}
      <div class="scene-words">
        <p class="brand"><a href="#/">Firemesh</a> <span class="code">${game.code}</span> ${connection(game)}</p>
        <div class="when">
          <div>
            <h1 tabindex="-1" id="phase">${title(game)}</h1>
            <p class="lead">${subtitle(game)}</p>
          </div>
          ${countdown(game, steadyMs)}
        </div>
      </div>
    </header>
    ${banner(game, deeds, steadyMs)}
    <main id="main">
      <div class="part part-town">${stage(game, deeds)}</div>
      <div class="part part-talk" ?hidden=${!hasTalk}>${hasTalk ? talk(game, deeds) : nothing}</div>
      <div class="part part-you">${corner(game, deeds)}</div>
    </main>
    ${hasTalk ? tabs(game, deeds, steadyMs) : nothing}
  </div>`;
}

function passed(game: Game, steadyMs: number): number {
  if (game.view === null || game.view.phase === "lobby" || game.view.phase === "over") return 0.3;
  return progress(game.clock, game.view.started_ms, game.view.deadline_ms, steadyMs);
}

function title(game: Game): TemplateResult | string {
  if (game.view === null) return html`Game <span class="code">${game.code}</span>`;
  return game.view.phase === "over" ? winnerTitle(game.view) : phaseTitle(game.view);
}

/** The time left. It changes every second, so readers of the page get it when they ask and not by themselves. */
function countdown(game: Game, steadyMs: number): TemplateResult | typeof nothing {
  const seconds = secondsUntil(game.clock, game.view?.deadline_ms ?? null, steadyMs);
  if (seconds === null) return nothing;
  return html`<p class="countdown ${seconds <= 5 ? "is-short" : ""}" role="timer" aria-live="off">
    <span class="visually-hidden">Time left: </span>${minutes(seconds)}
  </p>`;
}

const STATES = { CONNECTING: "Connecting", CONNECTED: "Connected", SUSPENDED: "Reconnecting", LOST: "Disconnected" } as const;

function connection(game: Game): TemplateResult {
  return html`<span class="connection is-${game.connection.toLowerCase()}">${STATES[game.connection]}</span>`;
}

/** What stands in the way, with the way on. */
function banner(game: Game, deeds: Deeds, steadyMs: number): TemplateResult {
  const isAway = game.connection === "SUSPENDED" || (game.connection === "CONNECTING" && game.reason !== "");
  const isWaiting = game.connection === "CONNECTED" && isLate(game.clock, game.view?.deadline_ms ?? null, steadyMs);
  return html`<div class="banners">
    ${isWaiting ? html`<p class="notice is-waiting">${LATE}</p>` : nothing}
    ${isAway ? html`<p class="notice is-waiting">${suspensionSentence(game.reason)}</p>` : nothing}
    ${
      game.connection === "LOST"
        ? html`<div class="notice" role="alert">
            <p>${lossSentence(game.reason, game.view !== null)}</p>
            ${mayReturn(game.reason) ? html`<button type="button" @click=${() => deeds.retry()}>Play here</button>` : nothing}
            ${
              game.reason === "NO_PLACE"
                ? html`<button type="button" @click=${() => deeds.watch(game.code)}>Just watch</button>`
                : nothing
            }
            <button type="button" @click=${() => deeds.go({ to: "home" })}>Leave</button>
          </div>`
        : nothing
    }
    ${game.warning ? putAway(game.warning, () => deeds.tell({ type: "warning put away" })) : nothing}
    ${game.notice ? putAway(game.notice, () => deeds.tell({ type: "notice put away" })) : nothing}
  </div>`;
}

/** A sentence that stays until it has been read. */
function putAway(text: string, done: () => void): TemplateResult {
  return html`<div class="notice" role="alert">
    <p>${text}</p>
    <button type="button" @click=${done}>Understood</button>
  </div>`;
}

function tabs(game: Game, deeds: Deeds, steadyMs: number): TemplateResult {
  const waiting = unread(game);
  const seconds = secondsUntil(game.clock, game.view?.deadline_ms ?? null, steadyMs);
  return html`<nav class="tabs" aria-label="Parts of the game">
    ${TABS.filter(({ tab }) => tab !== "you" || game.view?.phase !== "over").map(
      ({ tab, title: name }) => html`<button type="button" aria-current=${game.tab === tab ? "true" : "false"}
        @click=${() => deeds.tell({ type: "tab", tab })}>
        ${name}${tab === "talk" && waiting > 0 && game.tab !== "talk" ? unreadMark(waiting) : nothing}
      </button>`,
    )}
    ${seconds === null ? nothing : html`<span class="time-left" aria-hidden="true">${minutes(seconds)}</span>`}
  </nav>`;
}

function unreadMark(count: number): TemplateResult {
  return html`<span class="unread"><span class="visually-hidden">, </span>${count}<span class="visually-hidden"> new</span></span>`;
}
