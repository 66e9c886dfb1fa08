import { describe, expect, it } from "vitest";
import { WorkerAgent, type WorkerLine } from "../../../web_worker/agent/agent.ts";
import type { AgentStatus, ToPage, ToWorker } from "../../../web_worker/agent/protocol.ts";
import { AgentLine } from "../../../web_worker/page/agent_line.ts";
import { Play } from "../../../web_worker/page/play.ts";
import { moment } from "./moments.ts";

/** The worker's end of an agent: what the page has asked of it, and a voice to answer with. */
class WorkerEnd implements WorkerLine {
  readonly asked: ToWorker[] = [];
  private hear: (event: MessageEvent) => void = () => undefined;

  addEventListener(type: string, listener: unknown): void {
    if (type === "message") this.hear = listener as (event: MessageEvent) => void;
  }

  postMessage(message: ToWorker): void {
    this.asked.push(message);
  }

  terminate(): void {
    return undefined;
  }

  tell(message: ToPage): void {
    this.hear({ data: message } as MessageEvent);
  }

  connect(connection: AgentStatus["connection"], reason: AgentStatus["reason"] = "", durable = true): void {
    this.tell({ type: "status", status: { connection, reason, text: "", inc: "0".repeat(12), unsent: 0, durable } });
  }

  show(audience: "public" | "own", view: object): void {
    this.tell({ type: "view", shown: { audience, applied_index: 1, at_ms: 1, view: view as { [name: string]: unknown } } });
  }

  get sent(): ToWorker[] {
    return this.asked.filter((message) => message.type === "send");
  }
}

function playing(agent: string, name: string): { play: Play; worker: WorkerEnd } {
  const worker = new WorkerEnd();
  const options = { mesh: "km4t7q", agent, ticket: { kind: "key", key: "k" } } as const;
  const line = new AgentLine(new WorkerAgent(options, () => worker));
  const play = new Play("km4t7q", line, name, () => 0, () => undefined);
  play.open();
  return { play, worker };
}

const settled = () => new Promise((resolve) => setTimeout(resolve));

describe("who comes to a game", () => {
  it("sits down once, when connected and seen by the lobby without a seat", () => {
    const { worker } = playing("guest-1", "Zoe");
    worker.show("public", moment("lobby").public);
    expect(worker.sent).toEqual([]);
    worker.connect("CONNECTED");
    worker.connect("SUSPENDED", "NO_ANSWER");
    worker.connect("CONNECTED");
    expect(worker.sent).toMatchObject([{ kind: "mafia.sit", body: { name: "Zoe" } }]);
    expect(worker.sent).toHaveLength(1);
  });

  it("does not ask for the seat it has, nor for one in a game that has begun, nor without a name", () => {
    const seated = moment("lobby");
    for (const [agent, name, view] of [
      [seated.agent ?? "", "Zoe", seated.public],
      ["guest-1", "Zoe", moment("ballot").public],
      ["guest-1", "", seated.public],
    ] as const) {
      const { worker } = playing(agent, name);
      worker.show("public", view);
      worker.connect("CONNECTED");
      expect(worker.sent).toEqual([]);
    }
  });

  it("sits down again, under the name it had, when the mesh has taken it for dead and freed its seat", () => {
    const { public: view } = moment("lobby");
    const agent = moment("lobby").agent ?? "";
    const name = view.seats.find((seat) => seat.id === agent)?.name;
    const { worker } = playing(agent, "");
    worker.show("public", view);
    worker.connect("CONNECTED");
    worker.connect("SUSPENDED", "NO_ANSWER");
    worker.connect("SUSPENDED", "DECLARED_DEAD");
    worker.show("public", { ...view, seats: view.seats.filter((seat) => seat.id !== agent) });
    expect(worker.sent).toEqual([]);
    worker.connect("CONNECTED");
    worker.show("public", { ...view, seats: view.seats.filter((seat) => seat.id !== agent) });
    expect(worker.sent).toMatchObject([{ kind: "mafia.sit", body: { name } }]);
    expect(worker.sent).toHaveLength(1);
  });

  it("says that it is here whenever the game does not count on its seat, once for each time", () => {
    const { public: view } = moment("ballot");
    const seen = (absent: boolean) => ({ ...view, seats: view.seats.map((seat) => (seat.id === "p04" ? { ...seat, absent } : seat)) });
    const { worker } = playing("p04", "");
    worker.connect("CONNECTED");
    for (const absent of [false, true, true, false, true]) worker.show("public", seen(absent));
    const name = view.seats.find((seat) => seat.id === "p04")?.name;
    const sit = { kind: "mafia.sit", body: { name } };
    expect(worker.sent).toMatchObject([sit, sit]);
    expect(worker.sent).toHaveLength(2);
  });

  it("hears why it was refused, though the view without a seat holds nothing else", async () => {
    const { play, worker } = playing("guest-1", "Zoe");
    worker.show("public", moment("lobby").public);
    worker.connect("CONNECTED");
    worker.tell({ type: "answer", call: 1, value: 2 });
    worker.show("own", { refused: [{ seq: 2, kind: "mafia.sit", reason: "NAME_TAKEN" }] });
    await settled();
    expect([play.game.own, play.game.notice]).toEqual([null, "Somebody at this table has that name already. Choose another."]);
  });
});

describe("a command", () => {
  it("of choice counts only in its phase and may come twice, talk at any time and once", () => {
    const { play, worker } = playing("p04", "");
    worker.show("public", moment("ballot").public);
    play.send("mafia.ballot", { target: null });
    play.send("mafia.say", { channel: "town", text: "Hello" });
    const day = moment("ballot").public.day;
    expect(worker.sent).toMatchObject([
      { terms: { onlyWhile: { phase: "ballot", day }, repeatable: true } },
      { terms: { onlyWhile: {}, repeatable: false } },
    ]);
  });

  it("that an earlier visit was refused is no news", () => {
    const { play, worker } = playing("p04", "");
    worker.show("public", moment("ballot").public);
    worker.show("own", { ...moment("ballot").own, refused: [{ seq: 9, kind: "mafia.ballot", reason: "WRONG_PHASE" }] });
    expect(play.game.notice).toBe("");
  });

  it("that could not be sent ends with a sentence, and with what was written", async () => {
    const { play, worker } = playing("p04", "");
    play.send("mafia.say", { channel: "town", text: "Hello" });
    worker.tell({ type: "failure", call: 1, code: "FULL", text: "" });
    await settled();
    const notice = "Too much is waiting to be sent. Give the game a moment. You wrote: “Hello”";
    expect([play.game.sending, play.game.notice]).toEqual([[], notice]);
  });
});

describe("the connection", () => {
  it("is shown as the agent tells it", () => {
    const { play, worker } = playing("p04", "");
    const seen = (["CONNECTING", "CONNECTED", "SUSPENDED", "LOST"] as const).map((connection) => {
      worker.connect(connection, connection === "LOST" ? "OTHER_TAB" : "");
      return play.game.connection;
    });
    expect([seen, play.game.reason]).toEqual([["CONNECTING", "CONNECTED", "SUSPENDED", "LOST"], "OTHER_TAB"]);
  });

  it("comes with a warning where the browser keeps nothing, once, whatever is sent meanwhile", () => {
    const { play, worker } = playing("p04", "");
    worker.connect("CONNECTED");
    expect(play.game.warning).toBe("");
    worker.connect("CONNECTED", "", false);
    play.send("mafia.ballot", { target: null });
    expect(play.game.warning).toContain("This browser keeps nothing");
    play.tell({ type: "warning put away" });
    worker.connect("SUSPENDED", "NO_ANSWER", false);
    expect(play.game.warning).toBe("");
  });

  it("is taken over here when the player asks for it", () => {
    const { play, worker } = playing("p04", "");
    worker.connect("LOST", "OTHER_TAB");
    play.open(true);
    expect(worker.asked.at(-1)).toMatchObject({ type: "start", takeOver: true });
  });
});
