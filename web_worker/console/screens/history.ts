/** Who led when, as a picture: a lane for each manager, a bar for each term, and the time between when nobody led. */

import { html, nothing, svg, type SVGTemplateResult, type TemplateResult } from "lit-html";
import { type Gap, type Term, gaps } from "../terms.ts";
import { duration, timeOfDay } from "../words.ts";

/** The picture reaches so far back, or to the beginning of the oldest of these terms if that is later. */
const REACH_MS = 600_000;
const TERMS_TOLD = 8;
const LANES_MAX = 8;
const [WIDTH, LANE, LEFT, TOP] = [480, 34, 76, 8];

export function history(terms: readonly Term[], nowMs: number | null): TemplateResult {
  const last = terms[terms.length - 1];
  if (last === undefined) {
    return panel(html`<p class="hint">Nobody has led this mesh yet, as far as its log tells.</p>`);
  }
  return panel(html`${picture(terms, Math.max(nowMs ?? 0, last.lastMs))} ${told(terms)}`);
}

function panel(content: TemplateResult): TemplateResult {
  return html`<section class="panel" aria-labelledby="history-title">
    <h2 id="history-title">Who led</h2>
    ${content}
  </section>`;
}

function picture(terms: readonly Term[], toMs: number): TemplateResult {
  const fromMs = Math.max(toMs - REACH_MS, terms[0]?.fromMs ?? 0);
  const shown = terms.filter((term) => term.lastMs >= fromMs);
  const lanes = [...new Set(shown.map((term) => term.leader))].sort().slice(0, LANES_MAX);
  const at = (ms: number) => LEFT + ((Math.max(ms, fromMs) - fromMs) / Math.max(1, toMs - fromMs)) * (WIDTH - LEFT - 4);
  const height = TOP + lanes.length * LANE + 22;
  return html`<svg class="history" viewBox="0 0 ${WIDTH} ${height}" aria-hidden="true">
    ${gaps(terms).filter((gap) => gap.toMs >= fromMs).map((gap) => hole(gap, at, lanes.length))}
    ${lanes.map((leader, lane) => svg`<text class="lane" x="0" y=${TOP + lane * LANE + 21}>${leader || "?"}</text>`)}
    ${shown.map((term) => bar(term, at, lanes.indexOf(term.leader), term === shown[shown.length - 1] ? toMs : null))}
    <text class="tick" x=${LEFT} y=${height - 5}>${timeOfDay(fromMs)}</text>
    <text class="tick is-last" x=${WIDTH - 4} y=${height - 5}>${timeOfDay(toMs)}</text>
  </svg>`;
}

/** A term from its first entry to the last sign of its leader; the running one fades on to now. */
function bar(term: Term, at: (ms: number) => number, lane: number, nowMs: number | null): SVGTemplateResult {
  if (lane < 0) return svg``;
  const [x, y, width] = [at(term.fromMs), TOP + lane * LANE + 4, Math.max(3, at(term.lastMs) - at(term.fromMs))];
  const since = nowMs === null ? 0 : Math.max(0, at(nowMs) - x - width);
  return svg`<rect class="since" x=${x + width} y=${y} width=${since} height=${LANE - 8} />
    <rect class="term" x=${x} y=${y} width=${width} height=${LANE - 8} rx="4" />
    <text class="number" x=${x + 6} y=${y + 18}>${width > 22 ? term.term : ""}</text>`;
}

function hole(gap: Gap, at: (ms: number) => number, lanes: number): SVGTemplateResult {
  const x = at(gap.fromMs);
  return svg`<rect class="gap" x=${x} y=${TOP} width=${Math.max(2, at(gap.toMs) - x)} height=${lanes * LANE} />`;
}

/** The same in words, latest first. */
function told(terms: readonly Term[]): TemplateResult {
  const holes = new Map(gaps(terms).map((gap) => [gap.term, gap.toMs - gap.fromMs]));
  return html`<ol class="terms" reversed>
    ${[...terms].reverse().slice(0, TERMS_TOLD).map(
      ({ term, leader, fromMs }) => html`<li>
        <b>Term ${term}</b> ${leader || "somebody"}, since ${timeOfDay(fromMs)}
        ${holes.has(term)
          ? html`<span class="bad">after ${duration(holes.get(term) ?? 0)} without a sign of a leader</span>`
          : nothing}
      </li>`,
    )}
  </ol>`;
}
