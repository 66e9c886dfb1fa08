/** The page as a whole: which screen is on, the calls for seats, and one drawing for every change. */

import { html, render, type TemplateResult } from "lit-html";
import { Spectator, WorkerAgent } from "../agent/agent.ts";
import { AgentLine } from "./agent_line.ts";
import type { Admission, OpenGame } from "../agent/generated/types.ts";
import { GamesError, type Games } from "./games.ts";
import { forgetSeat, keepName, keepSeat, keptName, keptSeats, type Seat } from "./keepsakes.ts";
import type { Line } from "./line.ts";
import { faceShapes } from "./parts/avatar.ts";
import { skip } from "./parts/skip.ts";
import { skyOf } from "./parts/sky.ts";
import { channelsOf } from "./parts/talk.ts";
import { Play } from "./play.ts";
import { hashOf, routeOf, type Route } from "./router.ts";
import type { Deeds } from "./screens/deeds.ts";
import { door } from "./screens/door.ts";
import { frame } from "./screens/frame.ts";
import { home } from "./screens/home.ts";
import { fresh, Stickiness } from "./screen_habits.ts";
import { isSeatGone, phaseTitle, problemSentence } from "./words.ts";

/** What the page needs of the world around it. */
export interface World {
  readonly window: Window;
  readonly root: HTMLElement;
  readonly games: Games;
  /** The site's guest key: what lets everybody take seats here. */
  guestKey(): Promise<string>;
  /** A key with which seats that programs play in this game may be taken over; empty where none are offered. */
  seatsKey(code: string): Promise<string>;
  readonly storage: Storage | null;
  /** A line to a recorded moment; null when there is none of that name, or this is not the development build. */
  fixtureLine(name: string): Promise<Line | null>;
}

export class App {
  private play: Play | null = null;
  private problem = "";
  private isBusy = false;
  private route: Route = { to: "home" };
  private isDue = false;
  /** Counts arrivals: a call that was made before the last one opens nothing any more. */
  private visit = 0;
  /** A game that was asked for without an answer: asked again under the same key, it is the same game. */
  private opening: { readonly wanted: string; readonly key: string } | null = null;
  private readonly stickiness = new Stickiness();
  private readonly deeds: Deeds;

  constructor(private readonly world: World) {
    this.deeds = {
      tell: (event) => this.play?.tell(event),
      send: (kind, body) => this.play?.send(kind, body),
      go: (route) => void (world.window.location.hash = hashOf(route)),
      create: (name, game) => void this.call((visit) => this.create(name, game, visit)),
      join: (code, name) => void this.call((visit) => this.join(code, name, visit)),
      watch: (code) => this.deeds.go({ to: "watch", code }),
      leave: () => void this.leave(),
      takeOver: (agent) => void this.call(() => this.takeOverFrom(agent)),
      retry: () => this.play?.open(true),
      share: (address) => void this.share(address),
    };
  }

  start(): void {
    const { window } = this.world;
    window.addEventListener("hashchange", () => {
      if (window.location.hash !== hashOf(this.route)) void this.arrive();
    });
    window.setInterval(() => this.draw(), 1000);
    void this.arrive();
  }

  /** The address has changed: close what was open, open what it names. */
  private async arrive(): Promise<void> {
    const visit = (this.visit += 1);
    const closed = this.play?.close();
    this.play = null;
    this.problem = "";
    this.isBusy = false;
    this.route = routeOf(this.world.window.location.hash);
    await closed;
    if (visit !== this.visit) return;
    await this.open(this.route, visit);
    if (visit === this.visit) this.drawArrived();
  }

  private drawArrived(): void {
    this.drawNow();
    this.world.root.querySelector<HTMLElement>("h1")?.focus();
  }

  private async open(route: Route, visit: number): Promise<void> {
    if (route.to === "seat") return this.takeOver(route, visit);
    if (route.to === "game") {
      const seat = this.seatKept(route.code);
      if (seat !== undefined) await this.call(() => this.sitDown(seat, visit));
    } else if (route.to === "watch") {
      await this.call(() => this.watch(route.code, visit));
    } else if (route.to === "fixture") {
      const line = await this.world.fixtureLine(route.code);
      if (line !== null) this.openLine("km4t7q", line, "", visit);
    }
  }

  /** Somebody's own seat by its link: keep it, and take the secret out of the address and the history. */
  private takeOver({ code, agent, key }: Route & { to: "seat" }, visit: number): Promise<void> {
    keepSeat(this.world.storage, { code, agent, name: "", kind: "key", secret: key });
    this.route = { to: "game", code };
    this.world.window.history.replaceState(null, "", hashOf(this.route));
    return this.open(this.route, visit);
  }

  private async create(name: string, game: OpenGame, visit: number): Promise<void> {
    keepName(this.world.storage, name);
    const wanted = JSON.stringify(game);
    if (this.opening?.wanted !== wanted) this.opening = { wanted, key: fresh() };
    const opened = await this.world.games.openGame(game, this.opening.key);
    if (visit !== this.visit) return; // asked for again, it is this game
    this.opening = null;
    this.moveTo({ to: "game", code: opened.mesh_id }); // should the seat fail now, its door is where to try again
    await this.join(opened.mesh_id, name, visit);
  }

  private async join(code: string, name: string, visit: number): Promise<void> {
    keepName(this.world.storage, name);
    const kept = this.seatKept(code); // when the way to it was cut, its door is where to try again
    if (kept !== undefined) await this.sitDown({ ...kept, name }, visit);
    else await this.takeSeat(code, name, visit);
    if (visit === this.visit) this.drawArrived();
  }

  private async takeSeat(code: string, name: string, visit: number): Promise<void> {
    const admission = await this.world.games.takeSeat(code);
    const seat: Seat = { code, agent: admission.agent, name, kind: "session", secret: admission.session };
    keepSeat(this.world.storage, seat);
    await this.sitDown(seat, visit, admission);
  }

  private seatKept(code: string): Seat | undefined {
    return keptSeats(this.world.storage).find((each) => each.code === code);
  }

  /** Be somewhere else without arriving there: what is open stays open. */
  private moveTo(route: Route): void {
    this.route = route;
    this.world.window.history.pushState(null, "", hashOf(route));
  }

  /** Go to one's own seat. The admission, if it is fresh, saves asking for another. */
  private async sitDown(seat: Seat, visit: number, admission?: Admission): Promise<void> {
    const key = seat.kind === "key" ? seat.secret : await this.world.guestKey();
    const session = { kind: "seat", key, session: seat.secret, ...(admission ? { admission } : {}) } as const;
    const ticket = seat.kind === "key" ? ({ kind: "key", key } as const) : session;
    const agent = new WorkerAgent({ mesh: seat.code, agent: seat.agent, ticket });
    this.openLine(seat.code, new AgentLine(agent), seat.name, visit);
  }

  private async watch(code: string, visit: number): Promise<void> {
    this.openLine(code, new AgentLine(new Spectator({ mesh: code, key: await this.world.guestKey() })), "", visit);
    const key = await this.world.seatsKey(code);
    if (key && visit === this.visit) this.play?.tell({ type: "seats offered" });
  }

  /** From watching to playing, where seats are offered. */
  private async takeOverFrom(agent: string): Promise<void> {
    const { route } = this;
    if (route.to !== "watch") return;
    const key = await this.world.seatsKey(route.code);
    this.deeds.go({ to: "seat", code: route.code, agent, key });
  }

  private openLine(code: string, line: Line, name: string, visit: number): void {
    if (visit !== this.visit) return;
    const now = () => this.world.window.performance.now();
    const play = new Play(code, line, name, now, () => {
      const { connection, reason } = play.game;
      if (connection === "LOST" && isSeatGone(reason)) forgetSeat(this.world.storage, code);
      this.draw();
    });
    this.play = play;
    play.open();
  }

  /** One call at a time; what goes wrong becomes a sentence, unless one has gone elsewhere meanwhile. */
  private async call(work: (visit: number) => Promise<void>): Promise<void> {
    if (this.isBusy) return;
    const { visit } = this;
    this.isBusy = true;
    this.problem = "";
    this.draw();
    let problem = "";
    try {
      await work(visit);
    } catch (error) {
      problem = problemSentence(error instanceof GamesError ? error.code : "internal");
    }
    if (visit === this.visit) {
      this.isBusy = false;
      this.problem = problem;
    }
    this.draw();
  }

  private async leave(): Promise<void> {
    const { play } = this;
    if (play === null) return;
    play.send("mafia.leave", {});
    forgetSeat(this.world.storage, play.game.code);
    await play.close(true);
    this.deeds.go({ to: "home" });
  }

  private async share(address: string): Promise<void> {
    const { navigator } = this.world.window;
    try {
      if ("share" in navigator) return await navigator.share({ title: "A seat at our table", url: address });
      await (navigator as Navigator).clipboard.writeText(address);
      this.deeds.tell({ type: "link copied" });
    } catch {
      this.world.root.querySelector<HTMLInputElement>("input.link")?.select();
    }
  }

  /** Draw soon, once for any number of changes. */
  private draw(): void {
    if (this.isDue) return;
    this.isDue = true;
    this.world.window.requestAnimationFrame(() => this.isDue && this.drawNow());
  }

  private drawNow(): void {
    this.isDue = false;
    const { root, window } = this.world;
    const game = this.play?.game ?? null;
    root.ownerDocument.documentElement.dataset["sky"] = skyOf(game?.view ?? null);
    root.ownerDocument.title = game?.view ? `${phaseTitle(game.view)} · Firemesh` : "Firemesh";
    this.stickiness.before(root);
    const screen = this.screen(window.performance.now());
    render(html`${skip("To the game")}${faceShapes}${screen}${spoken(game?.news ?? [])}`, root);
    this.stickiness.after(root);
    if (game?.tab === "talk" || window.matchMedia("(min-width: 60rem)").matches) this.markRead();
  }

  private screen(steadyMs: number): TemplateResult {
    const { isBusy, problem, route, play } = this;
    if (play !== null) return frame(play.game, this.deeds, steadyMs);
    const name = keptName(this.world.storage);
    if (route.to === "game" || route.to === "watch") return door({ code: route.code, isBusy, problem, name }, this.deeds);
    return home({ isBusy, problem, name, kept: keptSeats(this.world.storage) }, this.deeds);
  }

  private markRead(): void {
    const { play } = this;
    if (play === null) return;
    for (const { name, lines } of channelsOf(play.game)) {
      const count = lines[lines.length - 1]?.n ?? 0;
      play.tell({ type: "read", channel: name, count });
    }
  }
}

/** The news for those who listen. It is always there, so that what comes into it is read out. */
function spoken(news: readonly string[]): TemplateResult {
  return html`<div class="visually-hidden" role="status" aria-live="polite">${news.map((line) => html`<p>${line}</p>`)}</div>`;
}
