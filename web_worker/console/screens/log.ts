/** The end of the log, and how long commands wait to be in it. */

import { html, nothing, type TemplateResult } from "lit-html";
import type { LogLine } from "../../agent/generated/types.ts";
import type { MeshState } from "../mesh_state.ts";
import { duration, timeOfDay } from "../words.ts";
import { waitsOf } from "../waits.ts";

const LINES_SHOWN = 40;

export function log({ lines, newestIndex }: MeshState, problem: string): TemplateResult {
  const unread = newestIndex - (lines[lines.length - 1]?.index ?? 0);
  return html`<section class="panel" aria-labelledby="log-title">
    <h2 id="log-title">The log <span class="count">${newestIndex} entries</span></h2>
    ${waiting(lines)} ${problem ? html`<p class="bad">${problem}</p>` : nothing}
    <div class="scrolls" tabindex="0" role="region" aria-label="The latest entries">
      <table>
        <thead>
          <tr><th scope="col">Entry</th><th scope="col">Time</th><th scope="col">Term</th><th scope="col">Leader</th>
          <th scope="col">Waited</th><th scope="col">What</th></tr>
        </thead>
        <tbody>${[...lines].reverse().slice(0, LINES_SHOWN).map(row)}</tbody>
      </table>
    </div>
    <p class="hint">${unread > 0 ? `${unread} more are being read. ` : ""}What players say and do is not shown here.</p>
  </section>`;
}

function waiting(lines: readonly LogLine[]): TemplateResult {
  const waits = waitsOf(lines);
  if (waits === null) return html`<p class="hint">No command has come through the inbox yet.</p>`;
  return html`<dl class="figures">
    <div><dt>median</dt><dd>${duration(waits.medianMs)}</dd></div>
    <div><dt>95 of 100 within</dt><dd>${duration(waits.p95Ms)}</dd></div>
    <div><dt>the longest</dt><dd>${duration(waits.mostMs)}</dd></div>
    <div><dt>entries measured</dt><dd>${waits.count}</dd></div>
  </dl>
  <p class="hint">From the inbox to the log, by the store's own times, for the oldest command of each entry.</p>`;
}

function row({ index, term, leader, asked_ms, at_ms, stored_ms, commands, events }: LogLine): TemplateResult {
  const named = events.map(({ kind, agent }) => `${kind.replace("mesh.", "").replaceAll("_", " ")} ${agent}`.trim());
  const others = commands - events.length;
  const what = [...named, ...(others > 0 ? [`${others} command${others > 1 ? "s" : ""}`] : [])].join(", ");
  return html`<tr>
    <td>${index}</td><td>${timeOfDay(at_ms)}</td><td>${term}</td><td>${leader}</td>
    <td>${asked_ms > 0 ? duration(Math.max(0, stored_ms - asked_ms)) : "–"}</td>
    <td>${what || "a term begins"}</td>
  </tr>`;
}
