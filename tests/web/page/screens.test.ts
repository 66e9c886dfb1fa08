/** @vitest-environment happy-dom */
import { render } from "lit-html";
import { beforeEach, describe, expect, it } from "vitest";
import { advance, unknownGame, type Game } from "../../../web_worker/page/game_state.ts";
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

function drawn(game: Game, steadyMs = 0): HTMLElement {
  const root = document.createElement("div");
  document.body.replaceChildren(root);
  render(frame(game, deeds, steadyMs), root);
  return root;
}

/** A moment with the player's card face up. */
function turned(name: string): Game {
  return advance(gameAt(name), { type: "role", isShown: true });
}

function lost(game: Game, reason: string): Game {
  return advance(game, { type: "line", steadyMs: 0, event: { type: "connection", state: "LOST", reason } });
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
    const root = drawn(turned(name));
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

  it("shows whom partners choose, and what they say, only beside an open card", () => {
    const { faction } = moment("night-mafioso").own ?? {};
    if (faction === undefined) throw new Error("nobody has partners there");
    const own = { ...moment("night-mafioso").own!, faction: { ...faction, choices: { p07: "p01" } } };
    const secrets = (game: Game) => {
      const root = drawn({ ...game, own });
      const signs = root.querySelectorAll(".choices :is(.faces, .votes, .bar), .channel-mafia").length;
      return [signs > 0, root.querySelector(".part-town .hint")?.textContent?.includes("Turn your card")];
    };
    expect([secrets(gameAt("night-mafioso")), secrets(turned("night-mafioso"))]).toEqual([[false, true], [true, false]]);
  });

  it("speaks of no partners to whoever is alone", () => {
    const own = { ...moment("night-mafioso").own!, partners: {} };
    expect(drawn({ ...gameAt("night-mafioso"), own }).querySelector(".part-town .hint")?.textContent).not.toContain("partners");
  });

  it.each(["dawn-death", "dusk-executed"])("tells who has died that it is they, and what they may still do: %s", (name) => {
    const epitaph = (agentId: string | null) => drawn({ ...gameAt(name), agentId }).querySelector(".epitaph");
    const dead = moment(name).public.seats.find((seat) => seat.name === epitaph(null)?.querySelector("strong")?.textContent);
    const said = (agentId: string | null) => epitaph(agentId)?.querySelector("p")?.textContent;
    expect(said(dead?.id ?? "")).toBe("This is you. You see the rest of the game, and may talk to the other dead.");
    expect(said(null)).toBeUndefined();
  });

  it("withdraws a vote when its name is touched again", () => {
    const game = gameAt("ballot-secret");
    const root = drawn(game);
    root.querySelector<HTMLElement>('.choice[aria-pressed="true"]')?.click();
    expect(sent).toEqual([{ kind: "mafia.ballot", body: { target: null } }]);
  });

  it("keeps the time that is left in sight below a long list, and reads it to nobody twice", () => {
    const root = drawn(gameAt("ballot-thirty"));
    const time = root.querySelector(".time-left");
    expect(root.querySelector(".countdown")?.textContent?.replace(/\s+/g, " ").trim()).toBe(`Time left: ${time?.textContent}`);
    expect(time?.getAttribute("aria-hidden")).toBe("true");
    expect(drawn(gameAt("over-town")).querySelector(".time-left")).toBeNull();
  });

  it("keeps the order of the table while votes come in", () => {
    const order = (name: string) => [...drawn(gameAt(name)).querySelectorAll(".choice .name")].map((each) => each.textContent);
    const names = moment("ballot-thirty").public.seats.filter((seat) => seat.alive).map((seat) => seat.name);
    expect(order("ballot-thirty")).toEqual([...names, "Nobody"]);
  });

  it.each([
    ["OTHER_TAB", "another tab", ["Play here", "Leave"]],
    ["NO_PLACE", "lets nobody new in", ["Play here", "Just watch", "Leave"]],
    ["MESH_GONE", "over and gone", ["Leave"]],
    ["TICKET_REFUSED", "no longer good", ["Leave"]],
  ])("says of a lost line what helps, and offers the way on: %s", (reason, text, ways) => {
    const notice = drawn(lost(gameAt("ballot"), reason)).querySelector('[role="alert"]');
    expect(notice?.textContent).toContain(text);
    expect([...(notice?.querySelectorAll("button") ?? [])].map((button) => button.textContent)).toEqual(ways);
  });

  it.each(["CONNECTING", "SUSPENDED"] as const)("says why the game is not heard: %s", (state) => {
    const event = { type: "connection", state, reason: "NO_ANSWER" } as const;
    const root = drawn(advance(gameAt("ballot"), { type: "line", steadyMs: 0, event }));
    expect(root.querySelector(".is-waiting")?.textContent).toContain("what you choose is kept and sent once it is back");
  });

  it("says that the game is late once its time is long up, and no more when it has gone on or is not heard", () => {
    const game = gameAt("ballot");
    const upMs = (moment("ballot").public.deadline_ms ?? 0) - moment("ballot").at_ms;
    const said = (shown: Game, steadyMs: number) => drawn(shown, steadyMs).querySelector(".is-waiting")?.textContent;
    expect(said(game, upMs + 9_999)).toBeUndefined();
    expect(said(game, upMs + 10_000)).toBe("The game is late; it goes on by itself.");
    expect(said(gameAt("over-town"), upMs + 10_000)).toBeUndefined();
    expect(said(lost(game, "OTHER_TAB"), upMs + 10_000)).toBeUndefined();
    const next = { ...game, view: { ...moment("ballot").public, deadline_ms: moment("ballot").at_ms + upMs + 60_000 } };
    expect(said(next, upMs + 10_000)).toBeUndefined();
  });

  it("says of a code that has shown no game that there is none", () => {
    const notice = drawn(lost(unknownGame("zzzzzz", null), "MESH_GONE")).querySelector('[role="alert"]');
    expect(notice?.textContent).toContain("There is no game with this code");
  });

  it("tells who came when the game had begun why there is no seat, and shows the game", () => {
    const { view } = gameAt("discussion");
    const root = drawn({ ...gameAt("discussion"), agentId: "guest-1", own: null, view });
    expect(root.querySelector(".corner")?.textContent).toContain("This game had begun when you came");
    expect(root.querySelectorAll(".seat")).toHaveLength(view?.seats.length ?? 0);
    const asleep = drawn({ ...gameAt("night-villager"), agentId: "guest-1", own: null });
    expect(asleep.querySelector(".quiet-night")?.textContent).toBe("Nothing is seen from outside until dawn.");
  });
});
