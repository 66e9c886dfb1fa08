/** What the operator can do on any screen; screens call, the console acts. */

import type { Order } from "../orders.ts";
import type { Route } from "../router.ts";

export interface Deeds {
  /** Use a key from now on; `isKept`: until this tab is closed, also across a reload. */
  signIn(key: string, isKept: boolean): void;
  signOut(): void;
  go(route: Route): void;
  /** The next page of the list. */
  more(): void;
  /** Ask before an order is given. */
  ask(order: Order): void;
  /** Give the order that was asked about. */
  confirm(): void;
  cancel(): void;
  hideSecrets(): void;
}
