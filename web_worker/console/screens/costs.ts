/** What it costs: as a meter has counted it, or as an estimate that says so. */

import { html, type TemplateResult } from "lit-html";
import { type Audience, type Operations, dollars, estimate } from "../costs.ts";
import type { Bill } from "../local_stack.ts";
import { type MeshState, storeNow } from "../mesh_state.ts";
import { count, duration, money } from "../words.ts";

export function costs(state: MeshState, bill: Bill | null, steadyMs: number): TemplateResult {
  return html`<section class="panel" aria-labelledby="costs-title">
    <h2 id="costs-title">What it costs</h2>
    ${bill === null ? estimated(state, steadyMs) : counted(bill)}
  </section>`;
}

function counted(bill: Bill): TemplateResult {
  return html`${figures(bill, money(bill.dollars))}
    <p class="hint">
      Counted by the local stack's meter, for all meshes of this stack since it began. Browsers pass it by: what pages and this
      console read is not in it.
    </p>`;
}

function estimated(state: MeshState, steadyMs: number): TemplateResult {
  const audience = audienceOf(state, steadyMs);
  const operations = estimate(state.sightings, audience);
  return html`${figures(operations, `about ${money(dollars(operations))}`)}
    <p class="hint">
      An estimate, from what this page has seen in ${duration(audience.watchedMs)}: signs of life, entries, commands, renewals,
      and who listens. The project's bill is what counts.
    </p>`;
}

function audienceOf(state: MeshState, steadyMs: number): Audience {
  const members = Object.values(state.topology?.members ?? {});
  const managers = members.filter(({ type }) => type === "manager").length;
  const watchedMs = Math.max(0, (storeNow(state, steadyMs) ?? 0) - (state.sinceMs ?? 0));
  return { managers, members: members.length - managers, watchedMs, renewMs: state.params["renew_ms"] ?? 0 };
}

function figures({ reads, writes, deletes }: Operations, price: string): TemplateResult {
  return html`<dl class="figures">
    <div><dt>reads</dt><dd>${count(reads)}</dd></div>
    <div><dt>writes</dt><dd>${count(writes)}</dd></div>
    <div><dt>deletes</dt><dd>${count(deletes)}</dd></div>
    <div><dt>list price</dt><dd>${price}</dd></div>
  </dl>`;
}
