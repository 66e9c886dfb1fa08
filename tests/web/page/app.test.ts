/** @vitest-environment happy-dom */
import { afterEach, describe, expect, it, vi } from "vitest";
import { App } from "../../../web_worker/page/app.ts";
import { FixtureLine } from "../../../web_worker/page/fixtures.ts";
import { GamesError, gamesApi } from "../../../web_worker/page/games.ts";
import { keepSeat, keptSeats } from "../../../web_worker/page/keepsakes.ts";
import { pageWindow } from "../page_window.ts";
import { until } from "../patience.ts";
import { moment } from "./moments.ts";

/** The idempotency keys of the calls to open a game. */
const keys: (string | null)[] = [];

/** The page at an address, before a server that gives these answers in turn; null is no answer. */
async function opened(hash: string, ...answers: (Response | Promise<Response> | null)[]): Promise<HTMLElement> {
  location.hash = hash;
  const root = document.createElement("div");
  document.body.replaceChildren(root);
  const guestKey = () => Promise.resolve("guest");
  const seatsKey = () => Promise.resolve("");
  const send = (url: string | URL | Request, init?: RequestInit) => {
    if (String(url).endsWith("/games")) keys.push(new Headers(init?.headers).get("Idempotency-Key"));
    const answer = answers.shift();
    if (answer === null) return Promise.reject(new TypeError("no network"));
    return Promise.resolve(answer ?? new Response("{}", { status: 503 }));
  };
  const fixtureLine = (name: string) => Promise.resolve(new FixtureLine(moment(name)));
  const games = gamesApi("/api/v1", guestKey, send);
  new App({ window: pageWindow(), root, games, storage: localStorage, guestKey, seatsKey, fixtureLine }).start();
  await until(() => expect(document.activeElement).toBe(root.querySelector("h1")));
  return root;
}

const problem = (status: number, code: string) => new Response(JSON.stringify({ code, retryable: false }), { status });

/** Give a name; what comes of it is a sentence. */
async function submit(root: HTMLElement, name: string): Promise<string> {
  const field = root.querySelector<HTMLInputElement>("#name");
  if (field === null) throw new Error("there is no field for a name");
  field.value = name;
  field.form?.dispatchEvent(new Event("submit", { cancelable: true }));
  return until(() => root.querySelector('[role="alert"]')?.textContent ?? Promise.reject(new Error("nothing is said")));
}

afterEach(() => {
  localStorage.clear();
  keys.length = 0;
});

describe("the page", () => {
  it("says of a game that does not exist what helps, and keeps the form", async () => {
    const root = await opened("#/game/zzzzzz", problem(404, "not-found"));
    expect(await submit(root, "Zoe")).toBe("There is no game with that code. Check it with whoever gave it to you.");
    expect(root.querySelector<HTMLInputElement>("#name")?.value).toBe("Zoe");
  });

  it("opens a game and asks for a seat in it; when that fails, its door is where to try again", async () => {
    const game = new Response(JSON.stringify({ mesh_id: "km4t7q", seats: 9 }), { status: 201 });
    const root = await opened("#/", game, problem(429, "resource-exhausted"));
    expect(await submit(root, "Zoe")).toBe("Too many tries just now. Wait a minute and try again.");
    expect([location.hash, root.querySelector("h1")?.textContent]).toEqual(["#/game/km4t7q", "Game km4t7q"]);
  });

  it("asks for the same game again when there was no answer, and for another one when another one is wanted", async () => {
    const root = await opened("#/", null, null, null);
    const again = async (seats: string) => {
      const field = root.querySelector<HTMLInputElement>("#seats");
      if (field) field.value = seats;
      const said = await submit(root, "Zoe");
      await until(() => expect(root.querySelector("button.primary:disabled")).toBeNull());
      return said;
    };
    expect(await again("9")).toBe("No answer. Check your connection and try again; nothing was done twice.");
    await again("9");
    await again("7");
    expect([keys[0] !== null, keys[1] === keys[0], keys[2] === keys[0]]).toEqual([true, true, false]);
  });

  it("goes on with the seat of this browser, and takes no second one, when the way to it was cut at first", async () => {
    keepSeat(localStorage, { code: "km4t7q", agent: "guest-1", name: "Zoe", kind: "session", secret: "s" });
    location.hash = "#/game/km4t7q";
    const root = document.createElement("div");
    document.body.replaceChildren(root);
    const guestKey = vi.fn().mockRejectedValue(new GamesError("offline", true));
    const takeSeat = vi.fn();
    const games = { openGame: vi.fn(), takeSeat };
    const none = { seatsKey: () => Promise.resolve(""), fixtureLine: () => Promise.resolve(null) };
    new App({ window: pageWindow(), root, games, storage: localStorage, guestKey, ...none }).start();
    await until(() => expect(root.querySelector("#name")).not.toBeNull());
    expect(await submit(root, "Zoe")).toContain("No answer.");
    await until(() => expect(guestKey).toHaveBeenCalledTimes(2));
    expect(takeSeat).not.toHaveBeenCalled();
  });

  it("puts the focus on the title of where it has arrived, and names it in the title of the window", async () => {
    const root = await opened("#/fixture/ballot");
    expect(root.querySelector("h1")).toBe(document.activeElement);
    expect(document.title).toBe("The vote · Firemesh");
    expect(document.documentElement.dataset["sky"]).toBe("noon");
  });

  it("says that the link is copied, where the device has no sheet to share it", async () => {
    const root = await opened("#/fixture/lobby");
    const write = vi.spyOn(navigator.clipboard, "writeText").mockResolvedValue();
    [...root.querySelectorAll("button")].find((button) => button.textContent === "Share")?.click();
    await vi.waitFor(() => expect(root.querySelector("[role=status].hint")?.textContent).toBe("The link is copied."));
    expect(write).toHaveBeenCalledWith(root.querySelector<HTMLInputElement>("input.link")?.value);
  });

  it("lets whoever goes by keyboard past the header, and stays in the game", async () => {
    const root = await opened("#/fixture/ballot");
    const link = root.querySelector<HTMLElement>("a.skip");
    expect(link).toBe(root.querySelector("a, button, input")); // the first stop
    link?.click();
    expect(document.activeElement).toBe(root.querySelector("main"));
    expect(location.hash).toBe("#/fixture/ballot");
  });

  it("shows a touched choice at once, and keeps a half-written line meanwhile", async () => {
    const root = await opened("#/fixture/ballot");
    const draft = root.querySelector<HTMLInputElement>("#say-town");
    if (draft) draft.value = "I think";
    root.querySelector<HTMLElement>("button[data-choice]")?.click();
    await until(() => expect(root.querySelector("button[data-choice]")?.getAttribute("aria-pressed")).toBe("true"));
    expect(root.querySelector<HTMLInputElement>("#say-town")?.value).toBe("I think");
  });

  it("stays where one has gone meanwhile when a call is answered late, and keeps the seat that came of it", async () => {
    let answer: (response: Response) => void = () => undefined;
    const late = new Promise<Response>((resolve) => (answer = resolve));
    const root = await opened("#/game/km4t7q", late);
    const field = root.querySelector<HTMLInputElement>("#name");
    if (field) field.value = "Zoe";
    field?.form?.dispatchEvent(new Event("submit", { cancelable: true }));
    location.hash = "#/";
    await vi.waitFor(() => expect(root.querySelector("#seats")).not.toBeNull());
    expect(root.querySelector("button:disabled")).toBeNull();
    answer(new Response(JSON.stringify({ agent: "guest-1", session: "s" }), { status: 201 }));
    await vi.waitFor(() => expect(keptSeats(localStorage)).toHaveLength(1));
    await vi.waitFor(() => expect(root.querySelector(".kept")).not.toBeNull());
    expect([root.querySelector("#seats") !== null, root.querySelector("[role=alert]")]).toEqual([true, null]);
  });

  it("keeps no seat of a game it was not let into", async () => {
    const root = await opened("#/game/zzzzzz", problem(404, "not-found"));
    await submit(root, "Zoe");
    expect(keptSeats(localStorage)).toEqual([]);
  });
});
