/** The people at the table: as a grid to look at, and as a list to choose from. */

import { html, nothing, type TemplateResult } from "lit-html";
import { NOBODY, type PrivateView, type PublicView, type Seat } from "../views.ts";
import { counted, deathSentence, listed } from "../words.ts";
import { avatar } from "./avatar.ts";

export interface Marks {
  readonly own: PrivateView | null;
  readonly agentId: string | null;
  readonly hunches: Readonly<Record<string, true>>;
  /** Secrets on a card are on the screen only while the player wants them there. */
  readonly isRoleShown: boolean;
}

/** The small signs behind a name: what is public, and what this player alone knows. */
export function badges(seat: Seat, marks: Marks): TemplateResult {
  const reading = marks.own?.results?.filter((result) => result.target === seat.id).pop();
  const partner = marks.own?.partners?.[seat.id];
  return html`
    ${seat.id === marks.agentId ? html`<span class="badge is-you">you</span>` : nothing}
    ${seat.program ? html`<span class="badge is-program">program</span>` : nothing}
    ${seat.absent && seat.alive ? html`<span class="badge">away</span>` : nothing}
    ${seat.role ? html`<span class="badge side-${seat.side ?? "town"}">${seat.role}</span>` : nothing}
    ${marks.isRoleShown && partner && !seat.role ? html`<span class="badge side-mafia">${partner}, with you</span>` : nothing}
    ${marks.isRoleShown && reading ? html`<span class="badge reads-${reading.says}">reads ${reading.says}</span>` : nothing}
    ${marks.hunches[seat.id] ? html`<span class="badge is-hunch">your hunch</span>` : nothing}
  `;
}

/** Everybody, the living first as they sit, then the dead. */
export function seatGrid(view: PublicView, marks: Marks): TemplateResult {
  const living = view.seats.filter((seat) => seat.alive);
  return html`<section class="table" aria-labelledby="table-title">
      <h2 id="table-title">At the table <span class="count">${living.length} of ${view.seats.length} alive</span></h2>
      <ul class="seats">
        ${living.map((seat) => person(seat, marks))}
      </ul>
    </section>
    ${graveyard(view, marks)}`;
}

/** The dead, with what they left. */
export function graveyard(view: PublicView, marks: Marks): TemplateResult | typeof nothing {
  const dead = view.seats.filter((seat) => !seat.alive);
  if (dead.length === 0) return nothing;
  return html`<section class="table" aria-labelledby="dead-title">
    <h2 id="dead-title">The dead <span class="count">${dead.length}</span></h2>
    <ul class="seats is-dead">
      ${dead.map((seat) => person(seat, marks))}
    </ul>
  </section>`;
}

function person(seat: Seat, marks: Marks): TemplateResult {
  return html`<li class="seat ${seat.alive ? "" : "is-dead"}">
    ${avatar(seat.id, seat.alive)}
    <div class="who">
      <span class="called"><span class="name">${seat.name}</span>${badges(seat, marks)}</span>
      ${seat.alive ? nothing : html`<span class="fate">${deathSentence(seat)}</span>`}
      ${seat.will ? html`<q class="will">${seat.will}</q>` : nothing}
    </div>
  </li>`;
}

export interface Choice {
  readonly id: string;
  readonly isChosen: boolean;
  /** Chosen, but not confirmed yet. */
  readonly isSending: boolean;
  /** The names behind it, and how many there are; null where nothing is counted. */
  readonly voters: readonly Seat[] | null;
  /** False for a row that only shows its count: oneself. */
  readonly isOpen: boolean;
}

/**
 * A list to choose from, a button per row, which says by itself who is chosen and by whom.
 *
 * Rows keep the order of the table, however the count stands, so that nobody's finger meets somebody else's name.
 */
export function chooser(
  view: PublicView,
  marks: Marks,
  choices: readonly Choice[],
  labels: { readonly title: string; readonly choose: string; readonly nobody: string },
  choose: (id: string) => void,
): TemplateResult {
  const most = Math.max(1, ...choices.map((choice) => choice.voters?.length ?? 0));
  return html`<ul class="choices" aria-label=${labels.title}>
    ${choices.map((choice) => {
      const seat = view.seats.find((each) => each.id === choice.id);
      const name = choice.id === NOBODY ? labels.nobody : (seat?.name ?? choice.id);
      const inside = html`
        ${seat ? avatar(seat.id) : html`<span class="avatar is-nobody" aria-hidden="true"></span>`}
        <span class="who">
          <span class="called">
            <span class="name">${name}</span>${seat ? badges(seat, marks) : nothing}
            ${choice.voters ? faces(choice.voters) : nothing}
          </span>
          ${choice.voters ? bar(choice.voters.length / most) : nothing}
        </span>
        ${choice.voters ? html`<span class="votes" aria-hidden="true">${choice.voters.length}</span>` : nothing}
        ${choice.voters ? html`<span class="visually-hidden">${votesOf(choice.voters)}</span>` : nothing}
        <span class="mark" aria-hidden="true">${choice.isSending ? "…" : choice.isChosen ? "✓" : ""}</span>
      `;
      if (!choice.isOpen) return html`<li><div class="choice is-closed">${inside}</div></li>`;
      return html`<li>
        <button class="choice" type="button" aria-pressed=${choice.isChosen ? "true" : "false"} data-choice=${choice.id}
          @click=${() => choose(choice.id)}>
          <span class="visually-hidden">${labels.choose} </span>${inside}
        </button>
      </li>`;
    })}
  </ul>`;
}

/** More faces than this say no more than the number beside them. */
const FACES_MAX = 6;

function faces(voters: readonly Seat[]): TemplateResult {
  return html`<span class="faces" aria-hidden="true">
    ${voters.slice(0, FACES_MAX).map((seat) => html`<span class="face" title=${seat.name}>${avatar(seat.id)}</span>`)}
  </span>`;
}

/** A share of the highest count, 0 to 1: all bars of a list are of one length, so that they compare. */
function bar(share: number): TemplateResult {
  return html`<svg class="bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true" focusable="false">
    <rect width="100" height="6" class="bar-ground" />
    <rect width=${100 * share} height="6" class="bar-fill" />
  </svg>`;
}

/** The count for those who do not see it. */
function votesOf(voters: readonly Seat[]): string {
  const from = voters.length > 0 ? `, from ${listed(voters.map((seat) => seat.name))}` : "";
  return `: ${counted(voters.length, "vote")}${from}`;
}
