/**
 * Games for people without an API key of their own: what a guest may ask for, described in docs/api.md. The page comes with
 * the site's guest key, which is public. Watching, and coming back to a seat, the agent asks for by itself. A game's code
 * is the id of its mesh.
 */

import type { Admission, GameOpened, OpenGame } from "../agent/generated/types.ts";

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
  openGame(game: OpenGame, idempotencyKey: string): Promise<GameOpened>;
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
    openGame: (game, key) => call("/games", game, { "Idempotency-Key": key }),
    takeSeat: (code) => call(`/games/${encodeURIComponent(code)}/seats`, {}),
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
