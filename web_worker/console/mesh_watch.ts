/** One mesh while it is looked at: its line, its log, its bill, and the state they add up to. */

import type { WatchingMesh } from "../agent/generated/types.ts";
import { type Control, ControlError } from "./control.ts";
import type { Bill, LocalStack } from "./local_stack.ts";
import { LogReader } from "./log_reader.ts";
import { type MeshNews, type MeshState, advance, logWanted, unseen } from "./mesh_state.ts";
import type { MeshLine, OpenLine } from "./mesh_line.ts";

/** What a watch needs of the page. */
export interface Page {
  /** The page's steady clock, in milliseconds. */
  now(): number;
  later(work: () => void, ms: number): void;
  /** Something has changed. */
  draw(): void;
}

export class MeshWatch {
  state: MeshState;
  logProblem = "";
  /** As the local stack has last counted it; null where no meter counts. */
  bill: Bill | null = null;
  private readonly line: MeshLine;
  private readonly reader: LogReader;

  constructor(
    { mesh, machine, params, custom_token }: WatchingMesh,
    control: Control,
    open: OpenLine,
    private readonly local: LocalStack | null,
    private readonly page: Page,
  ) {
    this.state = unseen(mesh, machine, params);
    this.reader = new LogReader(
      () => logWanted(this.state),
      (start) => control.readLog(mesh, start),
      (log) => {
        this.logProblem = "";
        this.hear({ type: "log", page: log });
        void this.readBill();
      },
      (error) => {
        this.logProblem = error instanceof ControlError ? error.text : String(error);
        if (error instanceof ControlError && error.isFinal) this.reader.end();
        page.draw();
      },
      (work, ms) => page.later(work, ms),
    );
    this.line = open(mesh, custom_token, (news) => this.hear(news));
    void this.readBill();
  }

  /** Take some news in. */
  hear(news: MeshNews): void {
    this.state = advance(this.state, news, this.page.now());
    this.reader.look();
    this.page.draw();
  }

  close(): void {
    this.line.close();
    this.reader.end();
  }

  /** With each piece of the log the bill has grown; in between it is not asked for. */
  private async readBill(): Promise<void> {
    if (this.local === null) return;
    this.bill = await this.local.readBill().catch(() => this.bill);
    this.page.draw();
  }
}
