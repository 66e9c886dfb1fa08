/** The first screen: begin a game, or come to one. */

import { html, nothing, type TemplateResult } from "lit-html";
import type { BallotRule, OpenGame, Pace, TieRule } from "../../agent/generated/types.ts";
import { codeIn } from "../games.ts";
import { skyPicture } from "../parts/sky.ts";
import { counted, listed } from "../words.ts";
import type { Deeds } from "./deeds.ts";

export const NAME_CHARS_MAX = 24;
export const SEATS_MIN = 5;
export const SEATS_MAX = 30;

/** What this screen knows besides what stands in its fields. */
export interface Home {
  /** A call is on its way. */
  readonly isBusy: boolean;
  /** A sentence about what went wrong; empty when nothing did. */
  readonly problem: string;
  /** The name last used. */
  readonly name: string;
  /** The seats kept in this browser, latest first. */
  readonly kept: readonly { readonly code: string; readonly name: string }[];
}

export function home(state: Home, deeds: Deeds): TemplateResult {
  return html`<div class="page is-home">
    <header class="scene">
      ${skyPicture(null, 0.86)}
      <div class="scene-words">
        <p class="brand">Firemesh</p>
        <h1 tabindex="-1">Night falls. Somebody will not wake up.</h1>
        <p class="lead">Mafia for 5 to 30, people and programs at one table. No account, nothing to install.</p>
      </div>
    </header>
    <main id="main" class="home">
      ${state.problem ? html`<p class="notice" role="alert">${state.problem}</p>` : nothing}
      ${kept(state, deeds)} ${joinForm(state, deeds)} ${createForm(state, deeds)}
    </main>
  </div>`;
}

function kept(state: Home, deeds: Deeds): TemplateResult | typeof nothing {
  if (state.kept.length === 0) return nothing;
  return html`<section class="panel" aria-labelledby="kept-title">
    <h2 id="kept-title">Your seats</h2>
    <ul class="kept">
      ${state.kept.map(
        ({ code, name }) => html`<li>
          <button type="button" @click=${() => deeds.go({ to: "game", code })}>Back to ${code}${name ? `, as ${name}` : ""}</button>
        </li>`,
      )}
    </ul>
  </section>`;
}

function joinForm(state: Home, deeds: Deeds): TemplateResult {
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const field = form.elements.namedItem("code") as HTMLInputElement;
    const code = codeIn(field.value);
    field.setCustomValidity(code ? "" : "That is no code. It looks like km4t7q, and a link ends with it.");
    if (code === null) return void field.reportValidity();
    if ((event.submitter as HTMLButtonElement | null)?.value === "watch") deeds.watch(code);
    else deeds.go({ to: "game", code });
  };
  const forget = (event: InputEvent) => (event.currentTarget as HTMLInputElement).setCustomValidity("");
  return html`<section class="panel" aria-labelledby="join-title">
    <h2 id="join-title">Come to a game</h2>
    <form @submit=${submit}>
      <label for="code">Code or link</label>
      <input id="code" name="code" class="code" required autocomplete="off" autocapitalize="none" spellcheck="false"
        placeholder="km4t7q" @input=${forget} />
      <div class="row">
        <button class="primary" type="submit" ?disabled=${state.isBusy}>Take a seat</button>
        <button type="submit" value="watch" ?disabled=${state.isBusy}>Just watch</button>
      </div>
    </form>
  </section>`;
}

function createForm(state: Home, deeds: Deeds): TemplateResult {
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    deeds.create(String(form.get("name")).trim(), newGame(form));
  };
  const tell = (event: InputEvent) => count(event.currentTarget as HTMLFormElement);
  return html`<section class="panel" aria-labelledby="create-title">
    <h2 id="create-title">Begin a game</h2>
    <form @submit=${submit} @input=${tell}>
      ${nameField(state.name)}
      <label for="seats">Seats</label>
      <input id="seats" name="seats" type="number" inputmode="numeric" required min=${SEATS_MIN} max=${SEATS_MAX} value="9" />
      <label for="programs">Seats for programs</label>
      <input id="programs" name="programs" type="number" inputmode="numeric" required min="0" max=${SEATS_MAX - 1} value="0"
        aria-describedby="mix" />
      <p class="hint" id="mix" aria-live="polite">${mixOf(9, 0)}</p>
      <label class="check"><input type="checkbox" name="fill" checked /> Programs fill free seats when time is up</label>
      <details>
        <summary>Rules</summary>
        ${rules()}
      </details>
      <button class="primary" type="submit" ?disabled=${state.isBusy}>
        ${state.isBusy ? "Setting the table" : "Set the table"}
      </button>
    </form>
  </section>`;
}

/** The field for one's name at the table, on this screen and on that of a link. */
export function nameField(name: string): TemplateResult {
  return html`<label for="name">Your name at the table</label>
    <input id="name" name="name" required maxlength=${NAME_CHARS_MAX} pattern=".*\\S.*" autocomplete="nickname"
      .defaultValue=${name} />`;
}

function rules(): TemplateResult {
  return html`<label for="pace">Pace</label>
    <select id="pace" name="pace">
      <option value="quick">Quick: a day in about a minute</option>
      <option value="normal" selected>Normal: about two minutes</option>
      <option value="slow">Slow: about four minutes</option>
    </select>
    <label for="rule">Who is executed</label>
    <select id="rule" name="rule">
      <option value="plurality" selected>Whoever has the most votes</option>
      <option value="majority">Only with more than half of all votes</option>
    </select>
    <label for="ties">After a tie</label>
    <select id="ties" name="ties">
      <option value="none" selected>Nobody dies</option>
      <option value="revote">One more vote among those who led</option>
    </select>
    <label class="check"><input type="checkbox" name="secret" /> Secret votes</label>
    <label class="check"><input type="checkbox" name="reveal" checked /> Cards of the dead are turned</label>`;
}

/** The form as the game it asks for. */
export function newGame(form: FormData): OpenGame {
  return {
    seats: Number(form.get("seats")),
    pace: form.get("pace") as Pace,
    ballot: {
      rule: form.get("rule") as BallotRule,
      ties: form.get("ties") as TieRule,
      secret: form.get("secret") !== null,
    },
    reveal_role_on_death: form.get("reveal") !== null,
    programs: Number(form.get("programs")),
    fill_with_programs: form.get("fill") !== null,
  };
}

/** Say who that makes, and hold on to one seat for the person at the form. */
function count(form: HTMLFormElement): void {
  const [seats, programs] = ["seats", "programs"].map((name) => form.elements.namedItem(name) as HTMLInputElement);
  const mix = form.querySelector("#mix");
  if (!seats || !programs || !mix) return;
  const isTooMany = programs.valueAsNumber >= seats.valueAsNumber;
  programs.setCustomValidity(isTooMany ? "One seat is yours: there must be fewer programs than seats." : "");
  mix.textContent = mixOf(seats.valueAsNumber, programs.valueAsNumber);
}

/** Who sits at such a table; empty for one that cannot be. */
export function mixOf(seats: number, programs: number): string {
  const others = seats - 1 - programs;
  if (!(others >= 0 && programs >= 0)) return "";
  const who = [
    ...(others > 0 ? [others === 1 ? "one more person" : `${others} more people`] : []),
    ...(programs > 0 ? [counted(programs, "program")] : []),
  ];
  return `${listed(["You", ...who])}.`;
}
