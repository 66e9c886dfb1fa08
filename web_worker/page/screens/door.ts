/** The screen of a link: the name to sit down with, or watching. */

import { html, nothing, type TemplateResult } from "lit-html";
import { skyPicture } from "../parts/sky.ts";
import type { Deeds } from "./deeds.ts";
import { nameField } from "./home.ts";

export interface Door {
  readonly code: string;
  readonly isBusy: boolean;
  readonly problem: string;
  readonly name: string;
}

export function door(state: Door, deeds: Deeds): TemplateResult {
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    deeds.join(state.code, String(new FormData(event.currentTarget as HTMLFormElement).get("name")).trim());
  };
  return html`<div class="page is-home">
    <header class="scene">
      ${skyPicture(null, 0.7)}
      <div class="scene-words">
        <p class="brand"><a href="#/">Firemesh</a></p>
        <h1 tabindex="-1">Game <span class="code">${state.code}</span></h1>
        <p class="lead">There is a table behind this door.</p>
      </div>
    </header>
    <main id="main" class="home is-door">
      ${state.problem ? html`<p class="notice" role="alert">${state.problem}</p>` : nothing}
      <section class="panel" aria-labelledby="door-title">
        <h2 id="door-title">Come in</h2>
        <form @submit=${submit}>
          ${nameField(state.name)}
          <button class="primary" type="submit" ?disabled=${state.isBusy}>${state.isBusy ? "One moment" : "Sit down"}</button>
        </form>
        <div class="row">
          <button type="button" ?disabled=${state.isBusy} @click=${() => deeds.watch(state.code)}>Just watch</button>
          <button type="button" @click=${() => deeds.go({ to: "home" })}>Another game</button>
        </div>
      </section>
    </main>
  </div>`;
}
