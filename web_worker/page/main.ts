/** The entry of the page. */

import "./styles/page.css";
import { App } from "./app.ts";
import type { Fixture } from "./fixtures.ts";
import { GamesError, gamesApi } from "./games.ts";
import type { Line } from "./line.ts";

/** Set by the build. */
declare const DEVELOPMENT: boolean;

/** Reading the property alone throws where storage is refused. */
function storage(): Storage | null {
  try {
    return window.localStorage;
  } catch {
    return null;
  }
}

async function fixtureLine(name: string): Promise<Line | null> {
  if (!DEVELOPMENT) return null;
  const { FixtureLine } = await import("./fixtures.ts");
  const answer = await fetch(`/fixtures/${encodeURIComponent(name)}.json`);
  return answer.ok ? new FixtureLine((await answer.json()) as Fixture) : null;
}

/** The site's guest key, which is public. It comes with the site's configuration, asked for once. */
let configuration: Promise<string> | null = null;
function guestKey(): Promise<string> {
  configuration ??= fetch("/config.json")
    .then(async (answer) => String(((await answer.json()) as { guest_key?: unknown }).guest_key ?? ""))
    .catch(() => {
      configuration = null;
      throw new GamesError("offline", true);
    });
  return configuration;
}

const games = gamesApi("/api/v1", guestKey, (...call) => fetch(...call));

const root = document.getElementById("app");
if (root === null) throw new Error("index.html has no #app");
new App({ window, root, games, storage: storage(), guestKey, fixtureLine }).start();
