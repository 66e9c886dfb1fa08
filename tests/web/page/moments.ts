/** The recorded moments, and a game that stands at one of them. */

import type { Fixture } from "../../../web_worker/page/fixtures.ts";
import { advance, unknownGame, type Game } from "../../../web_worker/page/game_state.ts";

declare global {
  interface ImportMeta {
    /** Vite's: every module that matches, loaded. */
    glob(pattern: string, options: { readonly eager: true; readonly import: "default" }): Readonly<Record<string, unknown>>;
  }
}

const FILES = import.meta.glob("../../../web_worker/page/fixtures/*.json", { eager: true, import: "default" });
const nameOf = (path: string) => path.replace(/^.*\/|\.json$/g, "");
const FIXTURES = Object.fromEntries(Object.entries(FILES).map(([path, fixture]) => [nameOf(path), fixture]));

export const MOMENTS: readonly string[] = Object.keys(FIXTURES).sort();

export function moment(name: string): Fixture {
  return FIXTURES[name] as Fixture;
}

export function gameAt(name: string): Game {
  const { agent, own, public: view, at_ms: atMs } = moment(name);
  let game = unknownGame("km4t7q", agent);
  game = advance(game, { type: "line", steadyMs: 0, event: { type: "connection", state: "CONNECTED", reason: "" } });
  game = advance(game, { type: "line", steadyMs: 0, event: { type: "own", view: own, atMs } });
  return advance(game, { type: "line", steadyMs: 0, event: { type: "public", view, atMs } });
}
