import { describe, expect, it } from "vitest";
import { advance, NEWS_MAX, SENDING_MAX, sendingOf, unknownGame } from "../../../web_worker/page/game_state.ts";
import type { Game, Sending } from "../../../web_worker/page/game_state.ts";
import type { LineEvent } from "../../../web_worker/page/line.ts";
import type { PublicView } from "../../../web_worker/page/views.ts";
import { gameAt } from "./moments.ts";

function line(game: Game, event: LineEvent): Game {
  return advance(game, { type: "line", steadyMs: 0, event });
}

function shown(game: Game, changes: Partial<PublicView>): Game {
  return line(game, { type: "public", atMs: 0, view: { ...(game.view as PublicView), ...changes } });
}

function sent(game: Game, ...sendings: Partial<Sending>[]): Game {
  return sendings.reduce((before: Game, sending, at) => {
    const whole = { id: at + 1, kind: "mafia.ballot", body: { target: null }, number: null, ...sending } as const;
    return advance(before, { type: "sent", sending: whole });
  }, game);
}

const GAME = gameAt("ballot");
const ME = GAME.agentId ?? "";
const [ONE = "", OTHER = ""] = GAME.view?.seats.filter((seat) => seat.alive && seat.id !== ME).map((seat) => seat.id) ?? [];

describe("a vote on its way", () => {
  it("stays on its way until the view shows it, although the mesh has it", () => {
    let game = sent(GAME, { body: { target: ONE } });
    game = advance(game, { type: "taken", id: 1, number: 7 });
    expect(sendingOf(game, "mafia.ballot")?.number).toBe(7);
    game = shown(game, { ballots: { ...GAME.view?.ballots, [ME]: ONE } });
    expect(game.sending).toEqual([]);
  });

  it("gives way to a later one", () => {
    const game = sent(GAME, { body: { target: ONE } }, { body: { target: OTHER } });
    expect(game.sending.map((each) => each.body)).toEqual([{ target: OTHER }]);
  });

  it("is forgotten with its phase, in which alone it counted", () => {
    const game = shown(sent(GAME, { body: { target: ONE } }), { phase: "dusk" });
    expect(game.sending).toEqual([]);
  });

  it("ends with a sentence when the machine refuses it", () => {
    let game = advance(sent(GAME, { body: { target: ONE } }), { type: "taken", id: 1, number: 7 });
    game = line(game, { type: "refused", number: 7, reason: "ILLEGAL_TARGET" });
    expect(game.sending).toEqual([]);
    expect(game.notice).toBe("That player cannot be chosen now. Choose somebody else.");
  });

  it("ends with a sentence when it could not be sent", () => {
    const game = advance(sent(GAME, {}), { type: "not taken", id: 1, reason: "STALE" });
    expect([game.sending, game.notice]).toEqual([[], "Too late: the phase had ended before the connection was back."]);
  });

  it("when withdrawn, is settled by a view without it", () => {
    let game = shown(GAME, { ballots: { [ME]: ONE } });
    game = advance(sent(game, { body: { target: null } }), { type: "taken", id: 1, number: 8 });
    expect(game.sending).toHaveLength(1);
    expect(shown(game, { ballots: {} }).sending).toEqual([]);
  });
});

describe("a line of talk on its way", () => {
  it("survives the end of its phase, and is settled when the mesh has it", () => {
    let game = sent(GAME, { kind: "mafia.say", body: { channel: "town", text: "Hello" } });
    game = shown(game, { phase: "dusk" });
    expect(game.sending).toHaveLength(1);
    expect(advance(game, { type: "taken", id: 1, number: 3 }).sending).toEqual([]);
  });

  it("is given back when it is refused later, or could not be sent", () => {
    const said = sent(GAME, { kind: "mafia.say", body: { channel: "town", text: "I am the doctor" } });
    const taken = advance(said, { type: "taken", id: 1, number: 3 });
    const refused = line(taken, { type: "refused", number: 3, reason: "TOO_MANY_MESSAGES" });
    expect(refused.notice).toContain("You can speak again in the next. You wrote: “I am the doctor”");
    expect(advance(said, { type: "not taken", id: 1, reason: "FULL" }).notice).toContain("I am the doctor");
  });

  it("is one of a bounded number", () => {
    const many = Array.from({ length: SENDING_MAX + 5 }, () => ({ kind: "mafia.say" }) as const);
    expect(sent(GAME, ...many).sending).toHaveLength(SENDING_MAX);
  });
});

describe("what the page shows", () => {
  it("turns to the talk at daybreak and to the stage for every other phase", () => {
    const reading = advance(GAME, { type: "tab", tab: "you" });
    expect(shown(reading, { phase: "discussion" }).tab).toBe("talk");
    expect(shown(advance(reading, { type: "tab", tab: "talk" }), { phase: "dusk" }).tab).toBe("town");
    expect(shown(reading, { ballots: {} }).tab).toBe("you");
  });

  it("tells every vote and keeps the last few news", () => {
    const game = shown(GAME, { ballots: { ...GAME.view?.ballots, [ME]: ONE } });
    expect(game.news[game.news.length - 1]).toMatch(/ votes for /);
    let noisy = game;
    for (let day = 1; day < 9; day += 1) noisy = shown(noisy, { phase: day % 2 ? "night" : "dawn", day });
    expect(noisy.news.length).toBe(NEWS_MAX);
  });

  it("says when the connection is lost and when it is back, and not that it was made", () => {
    expect(GAME.news).toEqual(["The vote."]);
    const away = line(GAME, { type: "connection", state: "SUSPENDED", reason: "NO_ANSWER" });
    const back = line(away, { type: "connection", state: "CONNECTED", reason: "" });
    expect(back.news.slice(-2)).toEqual(["Connection lost; trying again.", "Connected again."]);
  });

  it("says to who wanted a seat that the game had begun, and to nobody else", () => {
    const notice = (agentId: string | null, changes: Partial<PublicView> = {}) => {
      return shown(unknownGame("km4t7q", agentId), { ...GAME.view, ...changes }).notice;
    };
    expect(notice("guest-1")).toBe("This game had begun when you came, so there is no seat for you. You can watch it.");
    expect([notice(ME), notice(null), notice("guest-1", { phase: "lobby" })]).toEqual(["", "", ""]);
  });

  it("marks and unmarks a hunch", () => {
    const marked = advance(GAME, { type: "hunch", id: ONE });
    expect(marked.hunches).toEqual({ [ONE]: true });
    expect(advance(marked, { type: "hunch", id: ONE }).hunches).toEqual({});
  });
});
