/** A face for every seat, drawn from its id: the same id has the same face everywhere, and no picture is loaded. */

import { html, svg, type TemplateResult } from "lit-html";

/** A number that looks random and is always the same for the same text (FNV-1a, 32 bits, mixed once more). */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const character of text) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  hash = Math.imul(hash ^ (hash >>> 12), 0x297a2d39);
  return (hash ^ (hash >>> 15)) >>> 0;
}

/** Takes small choices out of one hash, one after the other. */
class Chooser {
  constructor(private rest: number) {}

  of<Choice>(choices: readonly Choice[]): Choice {
    const choice = choices[this.rest % choices.length] as Choice;
    this.rest = Math.floor(this.rest / choices.length);
    return choice;
  }
}

const GROUNDS = ["#d9835b", "#5b8fb0", "#7a9a5c", "#b0739c", "#cfa24a", "#5d9c93", "#8a7bb5", "#c06a6a"];
const SKINS = ["#f3d3b3", "#e3b48a", "#c58c5c", "#95623d", "#6b432a"];
const HAIRS = ["#2c2028", "#5a3a22", "#a0602c", "#d8b25a", "#c9c4bd", "#7c2f2a"];
const COATS = ["#31374f", "#5b3040", "#2f4f46", "#66502c", "#463a63", "#3d4a5c"];

const HAIR_SHAPES = [
  "M24 46 q0 -26 26 -26 q26 0 26 26 q-5 -14 -26 -14 q-21 0 -26 14z",
  "M22 62 q-4 -44 28 -44 q32 0 28 44 q-6 -4 -6 -18 q-20 4 -32 -10 q-4 10 -12 12 q0 12 -6 16z",
  "M25 42 q2 -22 25 -22 q23 0 25 22 q-8 -10 -14 -8 q-10 6 -20 0 q-10 0 -16 8z",
  "M22 66 q-6 -48 28 -48 q34 0 28 48 q-2 6 -6 4 q2 -30 -4 -36 q-18 6 -36 0 q-6 8 -4 36 q-4 2 -6 -4z",
];

const HATS = [
  null,
  null,
  svg`<path d="M16 34 h68 q2 5 -4 5 h-60 q-6 0 -4 -5z M30 34 v-18 q0 -4 5 -4 h30 q5 0 5 4 v18z" class="hat" />`,
  svg`<path d="M20 34 q0 -22 30 -22 q30 0 30 22 q10 0 12 5 q-42 -6 -72 0z" class="hat" />`,
  svg`<path d="M18 36 h64 q3 5 -3 6 h-58 q-6 -1 -3 -6z M28 36 q0 -22 22 -22 q22 0 22 22z" class="hat" />`,
  svg`<path d="M20 40 q-2 -30 30 -30 q32 0 30 30 q-8 -14 -30 -14 q-22 0 -30 14z" class="hat" />`,
];

const EXTRAS = [
  null,
  null,
  svg`<path d="M36 64 q14 -9 28 0 q-7 4 -14 -1 q-7 5 -14 1z" class="moustache" />`,
  svg`<g class="glasses"><circle cx="40" cy="50" r="8" /><circle cx="60" cy="50" r="8" /><path d="M48 50 h4" /></g>`,
  svg`<path d="M32 60 q0 22 18 22 q18 0 18 -22 q-8 6 -18 6 q-10 0 -18 -6z" class="beard" />`,
];

const MOUTHS = ["M42 69 q8 6 16 0", "M42 70 h16", "M44 70 q8 -4 14 -1", "M43 68 q7 8 14 0"];

/** The face. It says nothing that the name beside it does not, so it is hidden from readers of the page. */
export function avatar(id: string, alive = true): TemplateResult {
  const choose = new Chooser(hashOf(id));
  const ground = choose.of(GROUNDS);
  const skin = choose.of(SKINS);
  const hair = choose.of(HAIRS);
  const coat = choose.of(COATS);
  const shape = choose.of(HAIR_SHAPES);
  const hat = choose.of(HATS);
  const extra = choose.of(EXTRAS);
  const mouth = choose.of(MOUTHS);
  const eyes = alive
    ? svg`<circle cx="40" cy="50" r="2.6" /><circle cx="60" cy="50" r="2.6" />`
    : svg`<path d="M37 47 l6 6 m0 -6 l-6 6 M57 47 l6 6 m0 -6 l-6 6" class="line" />`;
  return html`<svg class="avatar ${alive ? "" : "is-dead"}" viewBox="0 0 100 100" aria-hidden="true" focusable="false">
    <rect width="100" height="100" rx="50" fill=${ground} />
    <g clip-path="url(#round)">
      <path d="M14 104 q2 -28 36 -28 q34 0 36 28z" fill=${coat} />
      <rect x="43" y="66" width="14" height="16" rx="6" fill=${skin} />
      <ellipse cx="50" cy="52" rx="21" ry="25" fill=${skin} />
      <g fill=${hair}><path d=${shape} /></g>
      <g class="features" color=${hair} fill=${coat}>${extra}${hat}</g>
      <g class="eyes">${eyes}</g>
      <path d=${mouth} class="line" />
    </g>
  </svg>`;
}

/** What all faces share; stands once in the page. */
export const faceShapes = html`<svg class="shapes" width="0" height="0" aria-hidden="true" focusable="false">
  <clipPath id="round"><circle cx="50" cy="50" r="50" /></clipPath>
</svg>`;
