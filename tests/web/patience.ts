import { vi } from "vitest";

/** Wait until this does not throw any more; what it gives. A busy machine may stand still for seconds: that is no failure. */
export function until<Result>(holds: () => Result | Promise<Result>): Promise<Result> {
  return vi.waitFor(holds, { timeout: 60_000 });
}
