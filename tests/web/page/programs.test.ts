/** @vitest-environment happy-dom */
import { render } from "lit-html";
import { beforeEach, describe, expect, it } from "vitest";
import type { OpenGame } from "../../../web_worker/agent/generated/types.ts";
import type { Deeds } from "../../../web_worker/page/screens/deeds.ts";
import { home } from "../../../web_worker/page/screens/home.ts";
import { waiting } from "../../../web_worker/page/screens/lobby.ts";
import { badges } from "../../../web_worker/page/parts/seats.ts";
import { gameAt, moment } from "./moments.ts";

let opened: OpenGame[] = [];
const deeds = { create: (_: string, game: OpenGame) => void opened.push(game) } as unknown as Deeds;

/** The form for a game, filled in. */
function form(seats: string, programs: string): HTMLFormElement {
  const root = document.createElement("div");
  document.body.replaceChildren(root);
  render(home({ isBusy: false, problem: "", name: "Ada", kept: [] }, deeds), root);
  const found = root.querySelector<HTMLFormElement>('[aria-labelledby="create-title"] form');
  if (found === null) throw new Error("there is no form");
  for (const [name, value] of Object.entries({ seats, programs })) {
    (found.elements.namedItem(name) as HTMLInputElement).value = value;
  }
  found.dispatchEvent(new Event("input"));
  return found;
}

beforeEach(() => void (opened = []));

describe("a game with programs", () => {
  it.each([
    ["9", "0", "You and 8 more people."],
    ["9", "7", "You, one more person and 7 programs."],
    ["6", "5", "You and 5 programs."],
    ["5", "1", "You, 3 more people and 1 program."],
    ["5", "5", ""],
    ["", "2", ""],
  ])("of %s seats, %s of them programs, is told as: %s", (seats, programs, told) => {
    expect(form(seats, programs).querySelector("#mix")?.textContent).toBe(told);
  });

  it("is asked for as it stands in the form", () => {
    form("6", "5").dispatchEvent(new Event("submit", { cancelable: true }));
    expect(opened).toMatchObject([{ seats: 6, programs: 5, fill_with_programs: true }]);
  });

  it("keeps a seat for whoever opens it", () => {
    const field = (seats: string, programs: string) => form(seats, programs).elements.namedItem("programs") as HTMLInputElement;
    expect(field("6", "6").validity.customError).toBe(true);
    expect(field("6", "5").validity.customError).toBe(false);
  });

  it("shows who is a program, and says what becomes of free seats", () => {
    const { public: view } = moment("lobby");
    const marked = view.seats.map((seat) => {
      const root = document.createElement("div");
      render(badges(seat, gameAt("lobby")), root);
      return root.textContent?.includes("program");
    });
    expect(marked).toEqual(view.seats.map((seat) => seat.program === true));
    expect(marked.filter(Boolean)).toHaveLength(3);
    expect(waiting(view)).toContain("programs take the seats that are left");
    expect(waiting(moment("lobby-watch").public)).not.toContain("programs");
  });
});
