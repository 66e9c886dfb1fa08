/** The first screen: who operates. */

import { html, nothing, type TemplateResult } from "lit-html";
import type { Deeds } from "./deeds.ts";

export interface Door {
  readonly isBusy: boolean;
  readonly problem: string;
  /** The key that a local stack offers; empty where none does. */
  readonly localKey: string;
}

export function door({ isBusy, problem, localKey }: Door, deeds: Deeds): TemplateResult {
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const { elements } = event.currentTarget as HTMLFormElement;
    const key = (elements.namedItem("key") as HTMLInputElement).value.trim();
    if (key !== "") deeds.signIn(key, (elements.namedItem("keep") as HTMLInputElement).checked);
  };
  return html`<div class="console">
    <header class="bar"><p class="brand">Firemesh</p></header>
    <main id="main" class="narrow">
      <h1 tabindex="-1">Operate a mesh</h1>
      ${problem ? html`<p class="notice" role="alert">${problem}</p>` : nothing}
      ${localKey === ""
        ? nothing
        : html`<section class="panel">
            <p>This site is served by a local stack, which lets its console in.</p>
            <button class="primary" type="button" @click=${() => deeds.signIn(localKey, true)}>Operate the local mesh</button>
          </section>`}
      <section class="panel">
        <form @submit=${submit}>
          <label for="key">API key of an operator or an admin</label>
          <input id="key" name="key" type="password" required autocomplete="off" spellcheck="false" />
          <label class="check"><input type="checkbox" name="keep" /> Keep it until this tab is closed</label>
          <button class="primary" type="submit" ?disabled=${isBusy}>Look</button>
        </form>
        <p class="hint">
          The key stays in the memory of this page, or, if you say so, in this tab's session storage. It is sent to this site's
          control plane and nowhere else. Closing the tab forgets it.
        </p>
      </section>
    </main>
  </div>`;
}
