import { describe, expect, it } from "vitest";
import type { OpenGame } from "../../../web_worker/agent/generated/types.ts";
import { learnt, minutes, progress, secondsUntil, UNSET } from "../../../web_worker/page/clock.ts";
import { codeIn, gamesApi, GamesError } from "../../../web_worker/page/games.ts";
import { forgetSeat, keepSeat, keptSeats, type Seat } from "../../../web_worker/page/keepsakes.ts";
import { newsBetween } from "../../../web_worker/page/news.ts";
import { hashOf, routeOf, type Route } from "../../../web_worker/page/router.ts";
import { chaptersOf } from "../../../web_worker/page/timeline.ts";
import { moment } from "./moments.ts";

describe("the store's clock", () => {
  it("trusts the view that was the quickest to arrive", () => {
    const slow = learnt(UNSET, 10_000, 900);
    const quick = learnt(slow, 10_500, 1_100);
    expect(secondsUntil(quick, 12_500, 1_100)).toBe(2);
    expect(learnt(quick, 11_000, 9_000)).toBe(quick);
  });

  it("shows no time before a view, without a deadline, or before the lobby's clock has started", () => {
    expect(secondsUntil(UNSET, 5, 0)).toBeNull();
    expect(secondsUntil({ offsetMs: 0 }, null, 0)).toBeNull();
    expect(secondsUntil({ offsetMs: 0 }, 0, 0)).toBeNull();
  });

  it("never counts below zero nor beyond the end", () => {
    expect(secondsUntil({ offsetMs: 0 }, 1_000, 5_000)).toBe(0);
    expect(progress({ offsetMs: 0 }, 0, 1_000, 5_000)).toBe(1);
    expect([minutes(0), minutes(75)]).toEqual(["0:00", "1:15"]);
  });
});

describe("an address", () => {
  const routes: Route[] = [
    { to: "home" },
    { to: "game", code: "km4t7q" },
    { to: "watch", code: "km4t7q" },
    { to: "seat", code: "demo-1", agent: "p03", key: "mesh_x/y" },
  ];
  it.each(routes)("leads where it was made for: $to", (route) => expect(routeOf(hashOf(route))).toEqual(route));

  it.each(["", "#/nowhere/at", "#/game/", "#/seat/m/a", "#/game/%E0%A4%A"])("that makes no sense leads home: %s", (hash) => {
    expect(routeOf(hash)).toEqual({ to: "home" });
  });

  it.each([
    ["KM4T7Q", "km4t7q"],
    [" km4 t7q ", "km4t7q"],
    ["https://firemesh.example/#/game/km4t7q", "km4t7q"],
    ["", null],
    ["what?", null],
  ])("or code is found in what was pasted: %s", (text, code) => expect(codeIn(text)).toBe(code));
});

describe("the call for a game", () => {
  const usual: OpenGame = {
    seats: 9,
    pace: "normal",
    ballot: { rule: "plurality", ties: "none", secret: false },
    reveal_role_on_death: true,
  };
  const answering = (status: number, body: unknown) => () => Promise.resolve(new Response(JSON.stringify(body), { status }));
  const games = (send: () => Promise<Response>) => gamesApi("/api/v1", () => Promise.resolve("guest"), send as typeof fetch);

  it("gives the answer", async () => {
    const answer = { mesh_id: "km4t7q", seats: 9 };
    expect(await games(answering(201, answer)).openGame(usual, "k")).toEqual(answer);
  });

  it("fails by the code of the problem, or as offline without an answer", async () => {
    const failure = (send: () => Promise<Response>) => games(send).takeSeat("x").catch((error: unknown) => error);
    expect(await failure(answering(404, { code: "not-found" }))).toEqual(new GamesError("not-found", false));
    expect(await failure(answering(502, "<html>"))).toEqual(new GamesError("internal", false));
    expect(await failure(() => Promise.reject(new TypeError("no network")))).toEqual(new GamesError("offline", true));
  });
});

describe("the seats a browser keeps", () => {
  const memory = (): Storage => {
    const values = new Map<string, string>();
    const getItem = (name: string) => values.get(name) ?? null;
    const setItem = (name: string, value: string) => void values.set(name, value);
    return { getItem, setItem } as Storage;
  };
  const seat = (code: string): Seat => ({ code, agent: "guest-1", name: "Ada", kind: "session", secret: "s" });

  it("come latest first, once per game, and a bounded number of them", () => {
    const storage = memory();
    for (let n = 0; n < 12; n += 1) keepSeat(storage, seat(`game-${n}`));
    keepSeat(storage, seat("game-9"));
    expect(keptSeats(storage).map((each) => each.code).slice(0, 3)).toEqual(["game-9", "game-11", "game-10"]);
    expect(keptSeats(storage)).toHaveLength(8);
    forgetSeat(storage, "game-9");
    expect(keptSeats(storage)[0]?.code).toBe("game-11");
  });

  it("are none where storage is refused, full or spoilt", () => {
    const refusing = { getItem: () => "{", setItem: () => { throw new Error("full"); } } as unknown as Storage;
    keepSeat(refusing, seat("a"));
    expect([keptSeats(refusing), keptSeats(null)]).toEqual([[], []]);
  });
});

describe("what is told", () => {
  it("at dawn is who died, at dusk what was decided, at the end who has won", () => {
    const names = ["ballot", "dawn-death", "dusk-executed", "over-town"];
    const [before, dawn, dusk, over] = names.map((name) => moment(name).public);
    if (!before || !dawn || !dusk || !over) throw new Error("moments are missing");
    expect(newsBetween(before, dawn)[1]).toMatch(/did not wake up/);
    expect(newsBetween(before, dusk)[1]).toMatch(/is executed/);
    expect(newsBetween(before, over)).toContain("The town wins.");
  });

  it("at the vote is who votes for whom, and who takes it back", () => {
    const view = moment("ballot").public;
    const [one, other] = view.seats.filter((seat) => seat.alive);
    if (!one || !other) throw new Error("nobody is alive");
    const [none, voted] = [{ ...view, ballots: {} }, { ...view, ballots: { [one.id]: other.id } }];
    expect(newsBetween(none, voted)).toEqual([`${one.name} votes for ${other.name}.`]);
    expect(newsBetween(voted, none)).toEqual([`${one.name} takes the vote back.`]);
  });

  it("of an unchanged view is nothing", () => {
    const view = moment("ballot").public;
    expect(newsBetween(view, view)).toEqual([]);
  });

  it("after the game names every death of it, by night and by day", () => {
    for (const name of ["over-town", "over-mafia", "over-watch"]) {
      const view = moment(name).public;
      const deaths = chaptersOf(view).flatMap((chapter) => chapter.lines).filter((line) => line.sign === "death");
      expect(deaths).toHaveLength(view.seats.filter((seat) => !seat.alive).length);
    }
  });
});
