/** The moderator's view: what every player knows for itself, as it was when it was asked for. */

import { html, type TemplateResult } from "lit-html";
import type { Secrets } from "../../agent/generated/types.ts";
import type { Deeds } from "./deeds.ts";

/** What a game's own view of a player may hold of it. */
interface Told {
  readonly you?: { readonly name?: string; readonly role?: string; readonly alive?: boolean };
}

export function secrets({ views }: Secrets, deeds: Deeds): TemplateResult {
  return html`<section class="panel" aria-labelledby="secrets-title">
    <h2 id="secrets-title" tabindex="-1">Every role <span class="count">as when you asked; it is in the audit trail</span></h2>
    <div class="scrolls" tabindex="0" role="region" aria-label="Roles">
      <table>
        <thead>
          <tr><th scope="col">Agent</th><th scope="col">Name</th><th scope="col">Role</th><th scope="col">Lives</th></tr>
        </thead>
        <tbody>${Object.entries(views).sort().map(([agent, view]) => row(agent, (view as Told).you))}</tbody>
      </table>
    </div>
    <button type="button" @click=${() => deeds.hideSecrets()}>Hide it again</button>
  </section>`;
}

function row(agent: string, you: Told["you"]): TemplateResult {
  const lives = you?.alive === undefined ? "–" : you.alive ? "yes" : "no";
  return html`<tr><td>${agent}</td><td>${you?.name ?? "–"}</td><td>${you?.role ?? "none yet"}</td><td>${lives}</td></tr>`;
}
