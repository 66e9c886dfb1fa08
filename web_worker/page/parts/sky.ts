/**
 * The town under its sky, above every screen of a game: a house for each seat, lit while its player lives, and a sun or
 * moon that crosses the sky once in a phase. It tells what the words beside it tell, so readers of the page skip it.
 */

import { html, svg, type SVGTemplateResult, type TemplateResult } from "lit-html";
import type { PublicView } from "../views.ts";
import { hashOf } from "./avatar.ts";

export type Sky = "night" | "dawn" | "day" | "noon" | "dusk" | "blood" | "home";

/** Which sky belongs to a view. */
export function skyOf(view: PublicView | null): Sky {
  if (view === null || view.phase === "lobby") return "home";
  switch (view.phase) {
    case "reveal":
    case "night":
      return "night";
    case "dawn":
      return "dawn";
    case "discussion":
      return "day";
    case "ballot":
    case "revote":
      return "noon";
    case "dusk":
      return "dusk";
    case "over":
      return view.winner === "town" ? "day" : view.winner === "mafia" ? "blood" : "dusk";
  }
}

const WIDTH = 400;
const GROUND = 138;

/** The picture. `passed`: how much of the phase is over, 0 to 1. */
export function skyPicture(view: PublicView | null, passed: number): TemplateResult {
  const homes = view?.seats.length ? view.seats.map((seat) => ({ id: seat.id, alive: seat.alive })) : SOME_TOWN;
  const angle = Math.PI * (0.14 + 0.72 * passed);
  const x = WIDTH / 2 - Math.cos(angle) * 165;
  const y = 94 - Math.sin(angle) * 56;
  return html`<svg class="sky" viewBox="0 0 ${WIDTH} 150" preserveAspectRatio="xMidYMax meet"
    aria-hidden="true" focusable="false">
    <defs>
      <linearGradient id="air" gradientUnits="userSpaceOnUse" x1="0" x2="0" y1="-80" y2="130">
        <stop offset="0" class="air-top" /><stop offset="1" class="air-low" />
      </linearGradient>
    </defs>
    <rect width="1200" height="460" x="-400" y="-310" fill="url(#air)" />
    <g class="stars">${STARS}</g>
    <g transform="translate(${x.toFixed(1)} ${y.toFixed(1)})">
      <circle r="24" class="halo" /><circle r="12" class="orb sun" />
      <path d="M4 -11.3 A12 12 0 1 0 11.3 4 A9.5 9.5 0 0 1 4 -11.3z" class="orb moon" />
    </g>
    <path class="hill-far" d="M-400 120 Q-250 78 -100 112 T160 104 T420 108 T800 96 V160 H-400z" />
    <path class="hill" d="M-400 130 Q-160 112 40 128 T420 126 T800 122 V160 H-400z" />
    <g>${street(homes)}</g>
    <rect x="-400" y=${GROUND} width="1200" height="20" class="street" />
  </svg>`;
}

const SOME_TOWN = Array.from({ length: 11 }, (_, n) => ({ id: `house-${n}`, alive: true }));

const STARS = Array.from({ length: 46 }, (_, n) => {
  const hash = hashOf(`star-${n}`);
  const radius = 0.4 + (hash % 7) / 9;
  const [x, y] = [(hash % 900) - 250, ((hash >>> 10) % 190) - 90];
  return svg`<circle cx=${x} cy=${y} r=${radius.toFixed(2)} class=${`star-${n % 3}`} />`;
});

function street(homes: readonly { id: string; alive: boolean }[]): SVGTemplateResult[] {
  const step = Math.min(34, (WIDTH - 24) / homes.length);
  const left = (WIDTH - step * homes.length) / 2;
  return homes.map((home, n) => house(home.id, home.alive, left + n * step, step * 0.92));
}

/** One house: its height, roof and windows come from the id; a dead player's has no light and a shuttered window. */
function house(id: string, alive: boolean, x: number, width: number): SVGTemplateResult {
  const hash = hashOf(`home ${id}`);
  const height = 24 + (hash % 5) * 5;
  const top = GROUND - height;
  const middle = x + width / 2;
  const roofs = [
    `M${x - 1.5} ${top} L${middle} ${top - width * 0.55} L${x + width + 1.5} ${top}z`,
    `M${x - 1.5} ${top} L${x + width * 0.3} ${top - 9} H${x + width * 0.7} L${x + width + 1.5} ${top}z`,
    `M${x - 1} ${top} V${top - 4} H${x + width + 1} V${top}z`,
  ];
  const paneWidth = Math.max(2.5, width * 0.2);
  const panes = [0.2, 0.6].flatMap((across, column) =>
    [7, 18].slice(0, height > 30 ? 2 : 1).map((down, row) => {
      const isLit = alive && ((hash >>> (6 + column * 2 + row)) & 1 || (column === 0 && row === 0));
      return svg`<rect x=${(x + width * across).toFixed(1)} y=${top + down} width=${paneWidth.toFixed(1)} height="6" rx="1"
        class=${isLit ? "pane is-lit" : "pane"} />`;
    }),
  );
  return svg`<g class=${`house house-${hash % 4}${alive ? "" : " is-dark"}`}>
    <rect x=${x.toFixed(1)} y=${top} width=${width.toFixed(1)} height=${height + 2} class="wall" />
    <path d=${roofs[(hash >>> 4) % roofs.length] ?? ""} class="roof" />${panes}
  </g>`;
}
