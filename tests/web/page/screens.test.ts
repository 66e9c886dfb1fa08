/** @vitest-environment happy-dom */
import { render } from "lit-html";
import { beforeEach, describe, expect, it } from "vitest";
import { advance, type Game } from "../../../web_worker/page/game_state.ts";
import type { CommandBody } from "../../../web_worker/page/line.ts";
import type { Option } from "../../../web_worker/page/options.ts";
import type { Deeds } from "../../../web_worker/page/screens/deeds.ts";
import { frame } from "../../../web_worker/page/screens/frame.ts";
import { NOBODY, type CommandKind } from "../../../web_worker/page/views.ts";
import { gameAt, moment, MOMENTS } from "./moments.ts";

let sent: { kind: CommandKind; body: CommandBody }[] = [];
let left = 0;
let taken: string[] = [];
const deeds: Deeds = {
  tell: () => undefined,
  send: (kind, body) => void sent.push({ kind, body }),
  go: () => undefined,
  create: () => undefined,
  join: () => undefined,
  watch: () => undefined,
  leave: () => void (left += 1),
  takeOver: (agent) => void taken.push(agent),
  retry: () => undefined,
  share: () => undefined,
};

function drawn(game: Game): HTMLElement {
  const root = document.createElement("div");
  document.body.replaceChildren(root);
  render(frame(game, deeds, 0), root);
  return root;
}

/** Use the control that an option asks for, with its last target. */
function use(root: HTMLElement, option: Option): void {
  const choice = [...option.targets, ...(option.kind === "mafia.act" ? [NOBODY] : [])].pop() ?? "";
  if (option.kind === "mafia.act" || option.kind === "mafia.ballot") {
    root.querySelector<HTMLElement>(`button[data-choice="${choice}"]`)?.click();
  } else if (option.kind === "mafia.leave") {
    [...root.querySelectorAll("button")].find((button) => button.textContent === "Give up my seat")?.click();
  } else {
    const field = root.querySelector<HTMLInputElement>(option.kind === "mafia.will" ? "#will" : `#say-${option.channel}`);
    if (field === null) return;
    field.value = "Hello";
    field.form?.dispatchEvent(new Event("submit", { cancelable: true }));
  }
}

function asked(option: Option): unknown {
  const choice = option.targets[option.targets.length - 1] ?? null;
  if (option.kind === "mafia.act") return { kind: option.kind, body: { target: null } };
  if (option.kind === "mafia.ballot") return { kind: option.kind, body: { target: choice } };
  if (option.kind === "mafia.say") return { kind: option.kind, body: { channel: option.channel, text: "Hello" } };
  return { kind: option.kind, body: { text: "Hello" } };
}

beforeEach(() => {
  sent = [];
  left = 0;
  taken = [];
});

describe("a screen", () => {
  it.each(MOMENTS.filter((name) => moment(name).options.length > 0))("lets the player do all that is allowed: %s", (name) => {
    const root = drawn(gameAt(name));
    for (const option of moment(name).options) {
      use(root, option);
      if (option.kind === "mafia.leave") expect(left).toBe(1);
      else expect(sent.pop()).toEqual(asked(option));
    }
  });

  it.each(MOMENTS.filter((name) => moment(name).agent === null))("offers a spectator nothing to decide: %s", (name) => {
    const root = drawn(gameAt(name));
    expect(root.querySelectorAll("[data-choice], form.compose, #will")).toHaveLength(0);
  });

  it("offers one who watches the seats of the living, where they are offered", () => {
    const game = gameAt("ballot-watch");
    const offers = (root: HTMLElement) => [...root.querySelectorAll<HTMLElement>(".part-you button")];
    expect(offers(drawn(game))).toEqual([]);
    const buttons = offers(drawn(advance(game, { type: "seats offered" })));
    const living = moment("ballot-watch").public.seats.filter((seat) => seat.alive);
    expect(buttons.map((button) => button.textContent)).toEqual(living.map((seat) => `Play as ${seat.name}`));
    buttons[0]?.click();
    expect(taken).toEqual([living[0]?.id]);
  });

  it.each(["reveal-mafioso", "night-detective", "discussion-dead"])("keeps the card face down: %s", (name) => {
    const role = moment(name).own?.you.role ?? "";
    const game = gameAt(name);
    expect(drawn(game).querySelector(".card")?.textContent).not.toContain(role);
    expect(drawn(advance(game, { type: "role", isShown: true })).querySelector(".card")?.textContent).toContain(role);
  });

  it("shows partners and findings only beside an open card", () => {
    const game = gameAt("night-detective");
    expect(drawn(game).textContent).not.toContain("reads");
    expect(drawn(advance(game, { type: "role", isShown: true })).textContent).toContain("reads");
  });

  it("withdraws a vote when its name is touched again", () => {
    const game = gameAt("ballot-secret");
    const root = drawn(game);
    root.querySelector<HTMLElement>('.choice[aria-pressed="true"]')?.click();
    expect(sent).toEqual([{ kind: "mafia.ballot", body: { target: null } }]);
  });

  it("keeps the order of the table while votes come in", () => {
    const order = (name: string) => [...drawn(gameAt(name)).querySelectorAll(".choice .name")].map((each) => each.textContent);
    const names = moment("ballot-thirty").public.seats.filter((seat) => seat.alive).map((seat) => seat.name);
    expect(order("ballot-thirty")).toEqual([...names, "Nobody"]);
  });

  it("says of a lost line what helps, and offers the way on", () => {
    const game = advance(gameAt("ballot"), {
      type: "line",
      steadyMs: 0,
      event: { type: "connection", state: "LOST", reason: "OTHER_TAB" },
    });
    const notice = drawn(game).querySelector('[role="alert"]');
    expect(notice?.textContent).toContain("another tab");
    expect(notice?.querySelector("button")?.textContent).toBe("Play here");
  });
});
