/** The recorded moment of a real mesh, after the death of its leader. */

import recorded from "../../../web_worker/console/fixtures/failover.json?raw";
import type { Moment } from "../../../web_worker/console/recorded.ts";
import { type MeshNews, type MeshState, advance, unseen } from "../../../web_worker/console/mesh_state.ts";

export const FAILOVER = JSON.parse(recorded) as Moment;

/** A mesh of which nothing is known. */
export const NOTHING: MeshState = unseen("m", "counter", { renew_ms: 1000 });

/** The state after some news, all heard at one time of the page's clock. */
export function after(state: MeshState, steadyMs: number, ...news: readonly MeshNews[]): MeshState {
  return news.reduce((before, each) => advance(before, each, steadyMs), state);
}

export function failover(): MeshState {
  const { mesh, machine, params } = FAILOVER.watching;
  return after(unseen(mesh, machine, params), 1000, ...FAILOVER.news);
}
