/** @vitest-environment happy-dom */
import { afterEach, describe, expect, it, vi } from "vitest";
import type { OperatorNews } from "../../../web_worker/agent/operator_protocol.ts";
import { Console } from "../../../web_worker/console/console.ts";
import { controlApi } from "../../../web_worker/console/control.ts";
import type { LocalStack } from "../../../web_worker/console/local_stack.ts";
import { recordedMoment } from "../../../web_worker/console/recorded.ts";
import { hashOf, routeOf } from "../../../web_worker/console/router.ts";
import { pageWindow } from "../page_window.ts";
import { until } from "../patience.ts";
import { FAILOVER } from "./moments.ts";

const KEY = "mesh_live_key";
const text = (root: HTMLElement, what: string) => root.querySelector(what)?.textContent?.replace(/\s+/g, " ").trim() ?? "";
const json = (body: unknown, status = 200) => new Response(JSON.stringify(body), { status });
const refused = (status: number, code: string, detail: string) => json({ code, detail }, status);
const page = (...meshes: string[]) => json({ meshes, next_start: "" });

/** What the console has asked for, and what it is answered. */
class Server {
  readonly asked: { readonly what: string; readonly body: unknown }[] = [];
  readonly keys = new Set<string>();

  constructor(private readonly answers: Record<string, () => Response>) {}

  readonly send = (url: unknown, { method, headers, body }: RequestInit = {}): Promise<Response> => {
    const what = `${method ?? "GET"} ${String(url).replace("/api/v1", "").replace(/\?.*/, "")}`;
    this.asked.push({ what, body: typeof body === "string" ? JSON.parse(body) : null });
    this.keys.add((headers as Record<string, string>)["X-API-Key"] ?? "");
    const answer = this.answers[what];
    return answer === undefined ? Promise.reject(new TypeError("no network")) : Promise.resolve(answer());
  };
}

interface Opened {
  readonly root: HTMLElement;
  readonly server: Server;
  /** Tells what the worker would. */
  tell(news: OperatorNews): void;
  readonly closed: () => boolean;
}

/** Be at an address; who was opened before has heard of it then. */
async function go(hash: string): Promise<void> {
  if (location.hash === hash) return;
  const heard = new Promise((resolve) => addEventListener("hashchange", resolve, { once: true }));
  location.hash = hash;
  await heard;
}

async function opened(hash: string, answers: Record<string, () => Response>, local: LocalStack | null = null): Promise<Opened> {
  await go(hash);
  const root = document.createElement("div");
  document.body.replaceChildren(root);
  const server = new Server(answers);
  let tell: (news: OperatorNews) => void = () => undefined;
  let isClosed = false;
  await new Console({
    window: pageWindow(),
    root,
    control: (key) => controlApi("/api/v1", key, server.send as typeof fetch),
    openLine: (_mesh, _token, told) => {
      tell = told;
      return { close: () => void (isClosed = true) };
    },
    localStack: () => Promise.resolve(local),
    storage: sessionStorage,
    recorded: (_name, around) => Promise.resolve(recordedMoment(FAILOVER, around)),
  }).start();
  return { root, server, tell: (news) => tell(news), closed: () => isClosed };
}

async function signIn(root: HTMLElement, isKept = false): Promise<void> {
  const field = root.querySelector<HTMLInputElement>("#key");
  if (field === null) throw new Error("there is no field for a key");
  field.value = KEY;
  const keep = root.querySelector<HTMLInputElement>("[name=keep]");
  if (keep) keep.checked = isKept;
  field.form?.dispatchEvent(new Event("submit", { cancelable: true }));
  await until(() => expect(root.querySelector("#key") === null || text(root, "[role=alert]") !== "").toBe(true));
}

function click(root: HTMLElement, name: string): void {
  const found = [...root.querySelectorAll("button")].find((each) => each.textContent?.replace(/\s+/g, " ").trim() === name);
  if (found === undefined) throw new Error(`there is no button ${name}`);
  found.click();
}

/** Answer the question that is asked. */
function confirm(root: HTMLElement, typed = ""): void {
  const field = root.querySelector<HTMLInputElement>("dialog #typed");
  if (field) field.value = typed;
  root.querySelector("dialog form")?.dispatchEvent(new Event("submit", { cancelable: true }));
}

const MESH = "POST /meshes/harbour-town/watchers";
const LOG = "GET /meshes/harbour-town/log";
const watching = () => json(FAILOVER.watching, 201);
const log = () => json(FAILOVER.news.find((news) => news.type === "log")?.page);

async function atMesh(answers: Record<string, () => Response> = {}, local: LocalStack | null = null): Promise<Opened> {
  sessionStorage.setItem("firemesh-operator-key", KEY);
  const at = await opened("#/mesh/harbour-town", { [MESH]: watching, [LOG]: log, ...answers }, local);
  for (const news of FAILOVER.news) if (news.type !== "log") at.tell(news);
  await until(() => expect(text(at.root, ".terms")).toContain("Term 1"));
  return at;
}

afterEach(() => sessionStorage.clear());

describe("the door", () => {
  it("takes a key, lists the meshes, and keeps the key nowhere unless told to", async () => {
    const { root, server } = await opened("#/", { "GET /meshes": () => page("m1", "m2") });
    await signIn(root);
    await until(() => expect(text(root, ".meshes")).toMatch(/^m1 ?m2$/));
    expect(sessionStorage.length + localStorage.length).toBe(0);
    expect([...server.keys]).toEqual([KEY]);
    expect(location.href).not.toContain(KEY);
  });

  it("keeps it for this tab when told to, and forgets it when told to", async () => {
    const { root } = await opened("#/", { "GET /meshes": () => page("m1") });
    await signIn(root, true);
    await until(() => expect(sessionStorage.length).toBe(1));
    click(root, "Forget the key");
    expect([sessionStorage.length, root.querySelector("#key") !== null]).toEqual([0, true]);
  });

  it("lets whoever goes by keyboard past the header, and stays where it is", async () => {
    const { root } = await opened("#/", { "GET /meshes": () => page("m1") });
    root.querySelector<HTMLElement>("a.skip")?.click();
    expect([document.activeElement === root.querySelector("main"), location.hash]).toEqual([true, "#/"]);
  });

  it("says what a key may not do, and asks for another", async () => {
    const { root } = await opened("#/", { "GET /meshes": () => refused(403, "permission-denied", "role worker") });
    await signIn(root, true);
    expect(text(root, "[role=alert]")).toBe("This key may not do that (role worker).");
    expect([sessionStorage.length, root.querySelector("#key") !== null]).toEqual([0, true]);
  });

  it("says so when nobody answers", async () => {
    const { root } = await opened("#/", {});
    await signIn(root);
    expect(text(root, "[role=alert]")).toContain("does not answer");
  });

  it("goes on with the list where it has ended", async () => {
    const pages = [json({ meshes: ["m1"], next_start: "m2" }), page("m2")];
    const { root } = await opened("#/", { "GET /meshes": () => pages.shift() ?? page() });
    await signIn(root);
    await until(() => click(root, "More"));
    await until(() => expect(root.querySelectorAll(".meshes a")).toHaveLength(2));
    expect([...root.querySelectorAll("button")].map((each) => each.textContent)).not.toContain("More");
  });

  it("opens for the console of a local stack without a key to type", async () => {
    const unasked = () => new Promise<never>(() => undefined);
    const local = { key: "local-key", readBill: unasked, killLeader: unasked };
    const { root, server } = await opened("#/", { "GET /meshes": () => page("m1") }, local);
    click(root, "Operate the local mesh");
    await until(() => expect(root.querySelectorAll(".meshes a")).toHaveLength(1));
    expect([...server.keys]).toEqual(["local-key"]);
  });
});

describe("a mesh", () => {
  it("shows who leads, who led and the gap between, who is in it, and how long commands wait", async () => {
    const { root } = await atMesh();
    expect(text(root, ".standing .lead")).toBe("m3 leads in term 2.");
    expect(text(root, ".terms")).toMatch(/^Term 2 m3, since [0-9:]+ after 4.1 s without a sign of a leader Term 1 m1,/);
    expect([root.querySelectorAll(".history .term").length, root.querySelectorAll(".history .gap").length]).toEqual([2, 1]);
    expect(text(root, "[aria-labelledby=topology-title]")).toContain("2 managers, 12 workers");
    const tags = [...root.querySelectorAll(".process h3")].map((each) => each.textContent?.replace(/\s+/g, " ").trim());
    expect(tags).toEqual(["managers-2 healthy", "managers-3 leads", "workers-1 healthy"]);
    expect(text(root, "[aria-labelledby=log-title] .figures")).toContain("entries measured23");
    expect(text(root, "[aria-labelledby=audit-title] tbody")).toContain("read secrets");
    expect(text(root, "[aria-labelledby=costs-title]")).toContain("An estimate");
  });

  it("shows what a suspicion and a late agent look like in words", async () => {
    const { root, tell } = await atMesh();
    tell({ type: "health", health: { applied_index: 28, processes: { "workers-1": "suspect" } } });
    const beats = FAILOVER.news.flatMap((news) => (news.type === "beats" ? news.beats : []));
    const later = beats.map((beat) => ({ ...beat, seq: beat.seq + 1, agents: { ...beat.agents, p01: "late" } }));
    tell({ type: "beats", beats: later });
    await until(() => expect(text(root, ".processes")).toContain("workers-1 suspected"));
    expect(text(root, ".processes")).toContain("p01 worker late");
  });

  it("closes its line when it is left", async () => {
    const { root, closed } = await atMesh({ "GET /meshes": () => page("m1") });
    location.hash = "#/";
    await until(() => expect(text(root, ".meshes")).toBe("m1"));
    expect(closed()).toBe(true);
  });

  it("that is not there is said not to be, with a way on", async () => {
    sessionStorage.setItem("firemesh-operator-key", KEY);
    const { root } = await opened("#/mesh/nowhere", {
      "POST /meshes/nowhere/watchers": () => refused(404, "not-found", "there is no mesh"),
    });
    expect(text(root, "[role=alert]")).toBe("Not found: there is no mesh.");
    expect(root.querySelector('a[href="#/"]')).not.toBeNull();
  });

  it("says that the key has ended, and asks once alone for a log that it may not read", async () => {
    sessionStorage.setItem("firemesh-operator-key", KEY);
    const noLog = () => refused(403, "permission-denied", "KEY_OPERATIONS");
    const { root, server, tell } = await opened("#/mesh/harbour-town", { [MESH]: watching, [LOG]: noLog });
    for (const news of FAILOVER.news) if (news.type !== "log") tell(news);
    tell({ type: "line", state: "ENDED" });
    await until(() => expect(text(root, ".line")).toContain("revoked, or has expired"));
    expect(text(root, "[aria-labelledby=log-title] .bad")).toContain("This key may not do that");
    expect(server.asked.filter(({ what }) => what === LOG)).toHaveLength(1);
  });
});

describe("an order", () => {
  const orders = "/meshes/harbour-town";

  it("is given after it was confirmed, and not when it is left", async () => {
    const { root, server } = await atMesh({ [`POST ${orders}/transfer`]: () => json({ order: "x" }, 202) });
    click(root, "Let it lead: m2");
    await until(() => expect(text(root, "dialog h2")).toBe("Let m2 lead?"));
    click(root, "Leave it as it is");
    await until(() => expect(root.querySelector("dialog")).toBeNull());
    expect(server.asked.map(({ what }) => what)).not.toContain(`POST ${orders}/transfer`);
    click(root, "Let it lead: m2");
    await until(() => expect(root.querySelector("dialog")).not.toBeNull());
    confirm(root);
    await until(() => expect(text(root, ".notice")).toContain("Ordered: m2 shall lead."));
    expect(server.asked).toContainEqual({ what: `POST ${orders}/transfer`, body: { to: "m2" } });
  });

  it("to close takes the name of the mesh", async () => {
    const { root, server } = await atMesh({ [`POST ${orders}/close`]: () => json({ order: "x" }, 202) });
    click(root, "Close the mesh");
    await until(() => expect(text(root, "dialog label")).toContain("harbour-town"));
    confirm(root, "harbour");
    expect(server.asked.map(({ what }) => what)).not.toContain(`POST ${orders}/close`);
    confirm(root, "harbour-town");
    await until(() => expect(text(root, ".notice")).toContain("closed as soon as"));
  });

  it("that is refused says why, and the mesh stays on the screen", async () => {
    const { root } = await atMesh({ [`DELETE ${orders}/agents/p01`]: () => refused(404, "not-found", "p01 has left") });
    click(root, "Remove p01");
    await until(() => expect(root.querySelector("dialog")).not.toBeNull());
    confirm(root);
    await until(() => expect(text(root, "[role=alert]")).toBe("Not found: p01 has left."));
    expect(root.querySelector(".processes")).not.toBeNull();
  });

  it("to drain is one click and its confirmation", async () => {
    const { root, server } = await atMesh({ [`POST ${orders}/drain`]: () => json({ order: "x" }, 202) });
    click(root, "Let nobody new in");
    await until(() => expect(root.querySelector("dialog")).not.toBeNull());
    confirm(root);
    await until(() => expect(server.asked.map(({ what }) => what)).toContain(`POST ${orders}/drain`));
  });

  it("to show every role shows them until they are hidden", async () => {
    const { root } = await atMesh({ [`GET ${orders}/secrets`]: () => json(FAILOVER.secrets) });
    expect(root.textContent).not.toContain("Godfather");
    click(root, "Show every role");
    await until(() => expect(text(root, "dialog p")).toContain("audit trail"));
    confirm(root);
    await until(() => expect(text(root, "[aria-labelledby=secrets-title]")).toContain("Godfather"));
    expect(document.activeElement).toBe(root.querySelector("#secrets-title"));
    click(root, "Hide it again");
    await until(() => expect(root.textContent).not.toContain("Godfather"));
  });

  it("to kill the leader is there on a local stack alone, which also counts the bill", async () => {
    expect((await atMesh()).root.textContent).not.toContain("Kill the leader");
    const bill = { reads: 1234, writes: 5, deletes: 6, dollars: 0.5 };
    const killLeader = vi.fn(() => Promise.resolve("m3"));
    const { root } = await atMesh({}, { key: "", readBill: () => Promise.resolve(bill), killLeader });
    await until(() => expect(text(root, "[aria-labelledby=costs-title]")).toContain("1,234"));
    expect(text(root, "[aria-labelledby=costs-title]")).toContain("Browsers pass it by");
    click(root, "Kill the leader");
    await until(() => expect(text(root, "dialog h2")).toBe("Kill the process of m3?"));
    confirm(root);
    await until(() => expect(text(root, ".notice")).toBe("Killed: the process of m3."));
    expect(killLeader).toHaveBeenCalledWith("harbour-town");
  });
});

it("finds its way by the address, and home when the address makes no sense", () => {
  expect(routeOf("#/mesh/m-1")).toEqual({ to: "mesh", mesh: "m-1" });
  expect(["", "#/mesh/", "#/mesh/M 1", "#/nowhere/m1"].map((hash) => routeOf(hash).to)).toEqual(Array(4).fill("meshes"));
  expect(routeOf(hashOf({ to: "mesh", mesh: "m1" }))).toEqual({ to: "mesh", mesh: "m1" });
});
