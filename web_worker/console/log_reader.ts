/** Reads the log when there is news of it: one call at a time, and never more often than once a second. */

import type { LogPage } from "../agent/generated/types.ts";

const REST_MS = 1000;

export class LogReader {
  private isReading = false;
  private isOver = false;

  /**
   * `wanted` says from which index on there is something to read, or null; `read` gets a page; `took` is given what came, and
   * `failed` why nothing did. What failed is tried again with the next news.
   */
  constructor(
    private readonly wanted: () => number | null,
    private readonly read: (start: number) => Promise<LogPage>,
    private readonly took: (page: LogPage) => void,
    private readonly failed: (error: unknown) => void,
    private readonly later: (work: () => void, ms: number) => void,
  ) {}

  /** There may be something to read. */
  look(): void {
    const start = this.isReading || this.isOver ? null : this.wanted();
    if (start === null) return;
    this.isReading = true;
    this.read(start).then(
      (page) => this.rest(() => this.took(page), true),
      (error: unknown) => this.rest(() => this.failed(error), false),
    );
  }

  /** Read no more; what is on its way is not taken. */
  end(): void {
    this.isOver = true;
  }

  private rest(tell: () => void, again: boolean): void {
    if (this.isOver) return;
    tell();
    this.later(() => {
      this.isReading = false;
      if (again) this.look();
    }, REST_MS);
  }
}
