/** The console as a whole: who operates, which mesh, what was asked, and the screen that follows from it. */

import { html, render, type TemplateResult } from "lit-html";
import type { Secrets } from "../agent/generated/types.ts";
import { skip } from "../page/parts/skip.ts";
import { type Control, ControlError } from "./control.ts";
import type { LocalStack } from "./local_stack.ts";
import type { OpenLine } from "./mesh_line.ts";
import { MeshWatch, type Page } from "./mesh_watch.ts";
import type { Order } from "./orders.ts";
import type { Recorded } from "./recorded.ts";
import { hashOf, routeOf } from "./router.ts";
import type { Deeds } from "./screens/deeds.ts";
import { door } from "./screens/door.ts";
import { mesh } from "./screens/mesh.ts";
import { meshes } from "./screens/meshes.ts";

/** What the console needs of the world around it. */
export interface World {
  readonly window: Window;
  readonly root: HTMLElement;
  control(key: string): Control;
  readonly openLine: OpenLine;
  localStack(): Promise<LocalStack | null>;
  /** Lasts as long as the tab; null where storage is refused. */
  readonly storage: Storage | null;
  /** A recorded moment; null when there is none of that name, or this is not the development build. */
  recorded(name: string, page: Page): Promise<Recorded | null>;
}

const KEY = "firemesh-operator-key";

/** What calls and touches change. */
interface Shown {
  readonly ids: readonly string[];
  readonly nextStart: string;
  readonly asked: Order | null;
  readonly secrets: Secrets | null;
  readonly problem: string;
  readonly done: string;
  readonly isBusy: boolean;
}

export class Console {
  private control: Control | null = null;
  private watch: MeshWatch | null = null;
  private local: LocalStack | null = null;
  private ids: readonly string[] | null = null;
  private nextStart = "";
  private asked: Order | null = null;
  private secrets: Secrets | null = null;
  private problem = "";
  private done = "";
  private isBusy = false;
  private isDue = false;
  /** Counts arrivals: what was asked for before the last one is not shown any more. */
  private visit = 0;
  /** What had the focus when a question was asked; it gets it back. */
  private asker: HTMLElement | null = null;
  private readonly page: Page;
  private readonly deeds: Deeds;

  constructor(private readonly world: World) {
    const { window } = world;
    this.page = {
      now: () => window.performance.now(),
      later: (work, ms) => void window.setTimeout(work, ms),
      draw: () => this.draw(),
    };
    this.deeds = {
      signIn: (key, isKept) => void this.signIn(key, isKept),
      signOut: () => this.signOut(),
      go: (route) => void (window.location.hash = hashOf(route)),
      more: () => void this.call((control) => this.list(control)),
      ask: (order) => this.askAbout(order),
      cancel: () => this.put({ asked: null }),
      confirm: () => void this.call((control) => this.carryOut(control)),
      hideSecrets: () => this.put({ secrets: null }),
    };
  }

  async start(): Promise<void> {
    const { window, storage } = this.world;
    const key = storage?.getItem(KEY) ?? "";
    if (key !== "") this.control = this.world.control(key);
    this.isBusy = true;
    this.drawNow();
    window.addEventListener("hashchange", () => void this.arrive());
    window.setInterval(() => this.draw(), 1000); // ages grow
    this.local = await this.world.localStack();
    await this.arrive();
  }

  private async signIn(key: string, isKept: boolean): Promise<void> {
    this.control = this.world.control(key);
    await this.arrive();
    if (this.problem !== "" && this.watch === null) this.control = null;
    else if (isKept) this.world.storage?.setItem(KEY, key);
    this.drawNow();
  }

  private signOut(): void {
    this.world.storage?.removeItem(KEY);
    this.control = null;
    this.leave();
    this.drawNow();
  }

  /** Close what was open. */
  private leave(): void {
    this.watch?.close();
    this.visit += 1;
    const blank = { watch: null, ids: null, nextStart: "", asked: null, secrets: null, problem: "", done: "", isBusy: false };
    Object.assign(this, blank);
  }

  /** The address has changed, or the key: open what they lead to. */
  private async arrive(): Promise<void> {
    this.leave();
    const route = routeOf(this.world.window.location.hash);
    if (route.to === "fixture") Object.assign(this, await this.world.recorded(route.mesh, this.page));
    else await this.call((control) => (route.to === "mesh" ? this.open(control, route.mesh) : this.list(control)));
    this.drawNow();
    this.world.root.querySelector<HTMLElement>("h1")?.focus();
  }

  private async list(control: Control): Promise<void> {
    const { visit } = this;
    const { meshes: ids, next_start } = await control.listMeshes(this.nextStart);
    if (visit === this.visit) this.put({ ids: [...(this.ids ?? []), ...ids], nextStart: next_start });
  }

  private async open(control: Control, id: string): Promise<void> {
    const { visit } = this;
    const watching = await control.watchMesh(id);
    if (visit !== this.visit) return;
    this.watch = new MeshWatch(watching, control, this.world.openLine, this.local, this.page);
  }

  private askAbout(order: Order): void {
    this.asker = this.world.root.ownerDocument.activeElement as HTMLElement | null;
    this.put({ asked: order, done: "", problem: "" });
  }

  private async carryOut(control: Control): Promise<void> {
    const { asked, watch, visit } = this;
    if (asked === null || watch === null) return;
    const done = await this.order(asked, control, watch.state.mesh);
    if (visit === this.visit) this.put({ done });
  }

  /** Give an order; a sentence about what has come of it. */
  private async order(order: Order, control: Control, id: string): Promise<string> {
    switch (order.kind) {
      case "transfer":
        await control.transfer(id, order.to);
        return `Ordered: ${order.to} shall lead. The history shows when it does.`;
      case "terminate":
        await control.terminate(id, order.agent);
        return `Ordered: ${order.agent} shall be removed. It is gone from the list when the leader has done it.`;
      case "drain":
        await control.drain(id);
        return "Ordered: nobody new is let in.";
      case "close":
        await control.close(id);
        return "Ordered: the mesh is closed as soon as its leader has done it.";
      case "reveal":
        await this.reveal(control, id);
        return "";
      case "kill":
        return `Killed: the process of ${(await this.local?.killLeader(id)) ?? "nobody"}.`;
    }
  }

  /** Show what players know, and lead there: it may be far from where it was asked for. */
  private async reveal(control: Control, id: string): Promise<void> {
    const { visit } = this;
    const secrets = await control.readSecrets(id);
    if (visit !== this.visit) return;
    this.asker = null;
    this.put({ secrets, asked: null });
    this.drawNow();
    this.world.root.querySelector<HTMLElement>("#secrets-title")?.focus();
  }

  /** One call at a time; what goes wrong becomes a sentence. Without a key nothing is called. */
  private async call(work: (control: Control) => Promise<void>): Promise<void> {
    if (this.isBusy || this.control === null) return;
    const { visit } = this;
    this.put({ isBusy: true, problem: "" });
    try {
      await work(this.control);
    } catch (error) {
      if (visit === this.visit) this.problem = error instanceof ControlError ? error.text : String(error);
    } finally {
      if (visit === this.visit) this.put({ isBusy: false, asked: null });
    }
  }

  private put(changes: Partial<Shown>): void {
    Object.assign(this, changes);
    this.draw();
  }

  /** Draw soon, once for any number of changes. */
  private draw(): void {
    if (this.isDue) return;
    this.isDue = true;
    this.world.window.requestAnimationFrame(() => this.isDue && this.drawNow());
  }

  private drawNow(): void {
    this.isDue = false;
    const { root } = this.world;
    root.ownerDocument.title = `${this.watch?.state.mesh ?? "Console"} · Firemesh`;
    render(html`${skip("To the mesh")}${this.screen()}`, root);
    root.querySelector<HTMLDialogElement>("dialog:not([open])")?.showModal();
    if (this.asked !== null || this.asker === null) return;
    this.asker.focus();
    this.asker = null;
  }

  private screen(): TemplateResult {
    const { isBusy, problem, watch, ids, deeds, asked, done, secrets } = this;
    if (watch !== null) {
      const { logProblem, bill, state } = watch;
      const around = { isBusy, problem, done, logProblem, asked, secrets, bill, isLocal: this.local !== null };
      return mesh(state, around, deeds, this.page.now());
    }
    if (this.control === null) return door({ isBusy, problem, localKey: this.local?.key ?? "" }, deeds);
    return meshes({ isBusy, problem, ids, hasMore: this.nextStart !== "" }, deeds);
  }
}
