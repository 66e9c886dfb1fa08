/**
 * Games for people without an API key of their own: what a guest may ask for, described in docs/api.md. The page comes with
 * the site's guest key, which is public. Watching, and coming back to a seat, the agent asks for by itself. A game's code
 * is the id of its mesh.
 */

import type { Admission } from "../agent/generated/types.ts";

/**
 * What game it shall be. `POST /games` knows `seats` and `pace` today and refuses unknown fields, so the others are sent
 * only when they differ from the engine's defaults, which is what their absence means:
 *
 * - `ais`: how many seats programs take, at once and under names of their own; the rest is for people.
 * - `ballot`, `reveal_role_on_death`: as in `functions/firemesh/game/mafia/setup.py`.
 */
export interface NewGame {
  /** 5 to 30. */
  readonly seats: number;
  readonly pace: Pace;
  /** 0 to `seats` - 1. */
  readonly ais: number;
  readonly ballot: {
    readonly rule: "plurality" | "majority";
    readonly ties: "none" | "revote" | "random";
    readonly secret: boolean;
  };
  readonly reveal_role_on_death: boolean;
}

/** How long the phases last. */
export type Pace = "quick" | "normal" | "slow";

export interface Opened {
  readonly mesh_id: string;
  readonly seats: number;
}

/** A call that was refused or got no answer. `code` as in docs/api.md; "offline" without an answer. */
export class GamesError extends Error {
  constructor(
    readonly code: string,
    readonly retryable: boolean,
  ) {
    super(code);
    this.name = "GamesError";
  }
}

export interface Games {
  /** Open a game with nobody in it. The same idempotency key again means the same game. */
  openGame(game: NewGame, idempotencyKey: string): Promise<Opened>;
  /** Become an agent of the game's mesh. A seat it is once the game has let it sit down (`mafia.sit`). */
  takeSeat(code: string): Promise<Admission>;
}

const TIMEOUT_MS = 20_000;

/** The calls over HTTP. `base` ends with `/v1`; `guestKey` is asked for when it is needed; `send` is the browser's fetch. */
export function gamesApi(base: string, guestKey: () => Promise<string>, send: typeof fetch): Games {
  const call = async <Answer>(path: string, body: object, headers: Record<string, string> = {}): Promise<Answer> => {
    const all = { "Content-Type": "application/json", "X-API-Key": await guestKey(), ...headers };
    const init = { method: "POST", headers: all, body: JSON.stringify(body), signal: AbortSignal.timeout(TIMEOUT_MS) };
    const answer = await send(base + path, init).catch(() => {
      throw new GamesError("offline", true);
    });
    const document: unknown = await answer.json().catch(() => ({}));
    if (answer.ok) return document as Answer;
    throw problem(document);
  };
  return {
    openGame: (game, key) => call("/games", wireForm(game), { "Idempotency-Key": key }),
    takeSeat: (code) => call(`/games/${encodeURIComponent(code)}/seats`, {}),
  };
}

/** A game as the server is asked for it: what is as usual is left out. */
export function wireForm({ seats, pace, ais, ballot, reveal_role_on_death }: NewGame): object {
  const isUsual = ballot.rule === "plurality" && ballot.ties === "none" && !ballot.secret;
  return {
    seats,
    pace,
    ...(ais > 0 ? { ais } : {}),
    ...(isUsual ? {} : { ballot }),
    ...(reveal_role_on_death ? {} : { reveal_role_on_death }),
  };
}

function problem(document: unknown): GamesError {
  const { code, retryable } = (document ?? {}) as { code?: unknown; retryable?: unknown };
  return new GamesError(typeof code === "string" ? code : "internal", retryable === true);
}

const CODE = /^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/;

/** A game's code out of what somebody typed or pasted: the code itself, or a link that ends with it. Null: neither. */
export function codeIn(text: string): string | null {
  const last = text.trim().split("/").pop() ?? "";
  const code = last.replace(/\s/g, "").toLowerCase();
  return CODE.test(code) ? code : null;
}
