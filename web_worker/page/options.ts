/**
 * What a player may do now, worked out from the public view and the player's own, and nothing else: the twin of
 * `functions/firemesh/game/mafia/options.py`. The fixtures hold that module's answers, and a test compares.
 */

import { NOBODY, type CommandKind, type PrivateView, type PublicView, type Right, type TargetRule } from "./views.ts";

/** One kind of command that would be accepted now, with its legal targets or its channel. */
export interface Option {
  readonly kind: CommandKind;
  readonly targets: readonly string[];
  readonly channel: string;
}

/** Every option of the present phase. A night action may also choose nobody, with a null target. */
export function optionsOf(view: PublicView, own: PrivateView | null): readonly Option[] {
  const rights = own?.may[view.phase] ?? [];
  return own === null ? [] : rights.map((right) => optionOf(right, view, own));
}

/** The option of this kind, if there is one now. */
export function optionFor(options: readonly Option[], kind: CommandKind): Option | undefined {
  return options.find((option) => option.kind === kind);
}

function optionOf(right: Right, view: PublicView, own: PrivateView): Option {
  const channel = right.channel ?? "";
  if (right.targets === undefined) return { kind: right.kind, targets: [], channel };
  const targets = targetsOf(right.targets, view, own);
  const mayAbstain = right.targets === "candidates" && view.rules.abstain;
  return { kind: right.kind, targets: mayAbstain ? [...targets, NOBODY] : targets, channel };
}

function targetsOf(rule: TargetRule, view: PublicView, own: PrivateView): string[] {
  const candidates = rule === "candidates" && view.candidates?.length ? view.candidates : null;
  const barred = new Set([own.you.id, ...(rule === "outsiders" ? Object.keys(own.partners ?? {}) : [])]);
  return view.seats
    .filter((seat) => seat.alive && !barred.has(seat.id) && (candidates === null || candidates.includes(seat.id)))
    .map((seat) => seat.id);
}
