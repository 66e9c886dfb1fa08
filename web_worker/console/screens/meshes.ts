/** Which mesh to look at. */

import { html, nothing, type TemplateResult } from "lit-html";
import { hashOf } from "../router.ts";
import type { Deeds } from "./deeds.ts";

export interface Meshes {
  readonly isBusy: boolean;
  readonly problem: string;
  /** Null before the first page has come. */
  readonly ids: readonly string[] | null;
  readonly hasMore: boolean;
}

export function meshes({ isBusy, problem, ids, hasMore }: Meshes, deeds: Deeds): TemplateResult {
  return html`<div class="console">
    <header class="bar">
      <p class="brand">Firemesh</p>
      <button class="quiet" type="button" @click=${() => deeds.signOut()}>Forget the key</button>
    </header>
    <main id="main" class="narrow">
      <h1 tabindex="-1">Meshes</h1>
      ${problem ? html`<p class="notice" role="alert">${problem}</p>` : nothing}
      <section class="panel" aria-label="Meshes in the scope of this key">
        ${ids === null ? html`<p class="hint">${isBusy ? "Asking …" : html`<a href="#/">See all meshes</a>`}</p>` : list(ids)}
        ${hasMore
          ? html`<button type="button" ?disabled=${isBusy} @click=${() => deeds.more()}>More</button>`
          : nothing}
      </section>
    </main>
  </div>`;
}

function list(ids: readonly string[]): TemplateResult {
  if (ids.length === 0) return html`<p class="hint">There is no mesh in the scope of this key yet.</p>`;
  return html`<ul class="meshes">
    ${ids.map((id) => html`<li><a href=${hashOf({ to: "mesh", mesh: id })}>${id}</a></li>`)}
  </ul>`;
}
