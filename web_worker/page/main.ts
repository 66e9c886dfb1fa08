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

/** What the site's operator tells all pages. `seats_of`: games of a demo, and a key with which anybody may take over a seat. */
interface Configuration {
  readonly guest_key?: string;
  readonly seats_of?: Readonly<Record<string, string>>;
}

let configuration: Promise<Configuration> | null = null;
function configured(): Promise<Configuration> {
  configuration ??= fetch("/config.json")
    .then(async (answer) => (await answer.json()) as Configuration)
    .catch(() => {
      configuration = null;
      throw new GamesError("offline", true);
    });
  return configuration;
}

/** The site's guest key, which is public. */
const guestKey = async () => (await configured()).guest_key ?? "";
const seatsKey = async (code: string) => (await configured()).seats_of?.[code] ?? "";

const games = gamesApi("/api/v1", guestKey, (...call) => fetch(...call));

const root = document.getElementById("app");
if (root === null) throw new Error("index.html has no #app");
new App({ window, root, games, storage: storage(), guestKey, seatsKey, fixtureLine }).start();
