/** @vitest-environment happy-dom */
import { render } from "lit-html";
import { expect, it } from "vitest";
import { type MeshState, advance } from "../../../web_worker/console/mesh_state.ts";
import type { Deeds } from "../../../web_worker/console/screens/deeds.ts";
import { topology } from "../../../web_worker/console/screens/topology.ts";
import { failover } from "./moments.ts";

function drawn(state: MeshState, passedMs: number): HTMLElement {
  const root = document.createElement("div");
  render(topology(state, {} as Deeds, passedMs), root);
  return root;
}

/** What is called overdue when so much time has passed since the recorded moment. */
function overdue(state: MeshState, passedMs: number): number {
  return drawn(state, passedMs).querySelectorAll(".process .bad").length;
}

it("calls a process overdue that was not heard for several intervals, and none while nothing is heard at all", () => {
  const live = advance(failover(), { type: "line", state: "CONNECTED" }, 0);
  const away = advance(live, { type: "line", state: "SUSPENDED" }, 0);
  const long = 60_000;
  expect(overdue(live, 0)).toBe(0);
  expect(overdue(live, long)).toBe(live.beats.size);
  expect(overdue(away, long)).toBe(0);
});

it("lets no manager lead whose process it calls overdue", () => {
  const live = advance(failover(), { type: "line", state: "CONNECTED" }, 0);
  const offers = (passedMs: number) => drawn(live, passedMs).textContent?.match(/Let it lead/g)?.length ?? 0;
  expect(offers(0)).toBeGreaterThan(0);
  expect(offers(60_000)).toBe(0);
});
