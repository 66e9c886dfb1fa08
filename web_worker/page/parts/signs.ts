/** Small drawings: one for each role, and for what stands in the story. All by hand, none loaded. */

import { html, svg, type SVGTemplateResult, type TemplateResult } from "lit-html";

const SIGNS: Readonly<Record<string, SVGTemplateResult>> = {
  Villager: svg`<path d="M8 42 V24 L24 10 L40 24 V42 H29 V31 H19 V42z" />`,
  Detective: svg`<circle cx="21" cy="21" r="11" class="stroke" /><path d="M29 29 L41 41" class="stroke" />`,
  Doctor: svg`<path d="M19 8 h10 v11 h11 v10 h-11 v11 h-10 v-11 h-11 v-10 h11z" />`,
  Mafioso: svg`<path d="M6 27 q18 9 36 0 l2 4 q-20 10 -40 0z M13 26 q-1 -15 6 -16 q5 3 10 0 q7 1 6 16 q-11 5 -22 0z" />`,
  Godfather: svg`<path d="M24 6 l5 11 12 -4 -5 17 h-24 l-5 -17 12 4z M12 34 h24 v6 h-24z" />`,
  death: svg`<path d="M12 42 V20 q0 -12 12 -12 q12 0 12 12 V42z M6 42 h36" class="stroke" />
    <path d="M24 16 v14 m-6 -9 h12" class="stroke" />`,
  saved: svg`<path d="M24 42 C4 28 6 10 17 10 q5 0 7 6 q2 -6 7 -6 c11 0 13 18 -7 32z" />`,
  verdict: svg`<path d="M10 24 l8 9 L38 13" class="stroke" />`,
  deed: svg`<path d="M4 24 q20 -24 40 0 q-20 24 -40 0z" class="stroke" /><circle cx="24" cy="24" r="6" />`,
  quiet: svg`<path d="M32 34 a15 15 0 1 1 -2 -22 a12 12 0 1 0 2 22z" />`,
};

const LANTERN = svg`<path d="M18 14 h12 l4 6 v16 l-4 6 h-12 l-4 -6 v-16z M20 14 q0 -8 4 -8 q4 0 4 8" class="stroke" />
  <path d="M24 20 q6 7 0 14 q-6 -7 0 -14z" />`;

/** The sign of a role; of no role, a lantern. */
export function roleSign(role: string): TemplateResult {
  return html`<svg class="sign" viewBox="0 0 48 48" aria-hidden="true" focusable="false">${SIGNS[role] ?? LANTERN}</svg>`;
}
