/** A recorded moment of a mesh, for the development build and the tests. The build without it does not hold one. */

import type { Secrets, WatchingMesh } from "../agent/generated/types.ts";
import { type Control, ControlError } from "./control.ts";
import type { MeshNews } from "./mesh_state.ts";
import { MeshWatch, type Page } from "./mesh_watch.ts";

/** What tools/console_fixtures.py writes: a mesh, news of it in the order in which it came, and what a moderator sees. */
export interface Moment {
  readonly watching: WatchingMesh;
  readonly news: readonly MeshNews[];
  readonly secrets: Secrets;
}

export interface Recorded {
  readonly watch: MeshWatch;
  readonly control: Control;
}

/** A watch to which exactly this is told, and a control plane that shows the secrets and carries nothing out. */
export function recordedMoment({ watching, news, secrets }: Moment, page: Page): Recorded {
  const refuse = () => Promise.reject(new ControlError("unavailable", "This is a recorded moment. Nothing is carried out."));
  const control: Control = {
    listMeshes: refuse,
    watchMesh: refuse,
    // The log is as long as it was.
    readLog: () => new Promise(() => undefined),
    readSecrets: () => Promise.resolve(secrets),
    transfer: refuse,
    drain: refuse,
    close: refuse,
    terminate: refuse,
  };
  const watch = new MeshWatch(watching, control, () => ({ close: () => undefined }), null, page);
  for (const each of news) watch.hear(each);
  return { watch, control };
}
