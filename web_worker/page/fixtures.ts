/** Recorded moments as games, for the development build: `#/fixture/ballot`. The build without it does not hold them. */

import type { CommandBody, Line, LineEvent } from "./line.ts";
import type { Option } from "./options.ts";
import type { CommandKind, PrivateView, PublicView } from "./views.ts";

/** What tools/web_fixtures.py writes. */
export interface Fixture {
  readonly agent: string | null;
  readonly at_ms: number;
  readonly public: PublicView;
  readonly own: PrivateView | null;
  readonly options: readonly Option[];
}

/** A line to one moment, which obeys just enough to try the page by hand: votes and night choices take effect. */
export class FixtureLine implements Line {
  readonly agentId: string | null;
  private tell: (event: LineEvent) => void = () => undefined;
  private count = 0;

  constructor(private fixture: Fixture) {
    this.agentId = fixture.agent;
  }

  open(listener: (event: LineEvent) => void): void {
    this.tell = listener;
    this.show();
  }

  send(kind: CommandKind, body: CommandBody): Promise<number> {
    const number = ++this.count;
    queueMicrotask(() => this.obey(kind, body));
    return Promise.resolve(number);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  private obey(kind: CommandKind, body: CommandBody): void {
    const { fixture, agentId } = this;
    if (agentId === null) return;
    const target = body["target"] ?? null;
    if (kind === "mafia.act" && fixture.own) {
      this.fixture = { ...fixture, own: { ...fixture.own, action: { night: fixture.public.day, target } } };
    } else if (kind === "mafia.ballot" && fixture.public.ballots) {
      const { [agentId]: _, ...others } = fixture.public.ballots;
      const ballots = target === null ? others : { ...others, [agentId]: target };
      this.fixture = { ...fixture, public: { ...fixture.public, ballots } };
    } else if (kind === "mafia.say") {
      const { chat, chat_count, day } = fixture.public;
      const line = { n: chat_count + 1, day, by: agentId, text: body["text"] ?? "" };
      this.fixture = { ...fixture, public: { ...fixture.public, chat: [...chat, line], chat_count: line.n } };
    }
    this.show();
  }

  private show(): void {
    const { at_ms: atMs, public: view, own } = this.fixture;
    this.tell({ type: "connection", state: "CONNECTED", reason: "" });
    this.tell({ type: "own", view: own, atMs });
    this.tell({ type: "public", view, atMs });
  }
}
