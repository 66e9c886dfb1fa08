import { describe, expect, it } from "vitest";
import { optionsOf } from "../../../web_worker/page/options.ts";
import { moment, MOMENTS } from "./moments.ts";

describe("what a player may do", () => {
  it.each(MOMENTS)("is what the engine says: %s", (name) => {
    const { public: view, own, options } = moment(name);
    expect(optionsOf(view, own)).toEqual(options);
  });

  it("is seen in the moments for every kind of command that a view can offer", () => {
    const kinds = new Set(MOMENTS.flatMap((name) => moment(name).options.map((option) => option.kind)));
    expect([...kinds].sort()).toEqual(["mafia.act", "mafia.ballot", "mafia.leave", "mafia.say", "mafia.will"]);
  });
});
