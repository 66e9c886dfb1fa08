/** The end of the mesh's audit trail: who asked for what, and whether it was allowed. */

import { html, type TemplateResult } from "lit-html";
import type { AuditRecord } from "../../agent/generated/types.ts";
import { timeOfDay } from "../words.ts";

const RECORDS_SHOWN = 20;

export function audit(records: readonly AuditRecord[]): TemplateResult {
  const latest = [...records].reverse().slice(0, RECORDS_SHOWN);
  return html`<section class="panel" aria-labelledby="audit-title">
    <h2 id="audit-title">Audit trail</h2>
    ${latest.length === 0
      ? html`<p class="hint">Nothing has been ordered from outside, and nothing denied.</p>`
      : html`<div class="scrolls" tabindex="0" role="region" aria-label="The latest records">
          <table>
            <thead>
              <tr><th scope="col">No.</th><th scope="col">Time</th><th scope="col">Who</th><th scope="col">What</th>
              <th scope="col">Decision</th></tr>
            </thead>
            <tbody>${latest.map(row)}</tbody>
          </table>
        </div>`}
  </section>`;
}

function row({ number, at_ms, who, role, operation, target, allowed, reason }: AuditRecord): TemplateResult {
  const what = `${operation.replaceAll("_", " ")} ${target ?? ""}`.trim();
  const decision = allowed ? html`allowed` : html`<span class="bad">denied: ${reason}</span>`;
  return html`<tr>
    <td>${number}</td><td>${timeOfDay(at_ms)}</td><td>${role} ${who}</td><td>${what}</td><td>${decision}</td>
  </tr>`;
}
