/** What an operator can do, and what will come of it, in words to be confirmed. Pure. */

export type Order =
  | { readonly kind: "transfer"; readonly to: string }
  | { readonly kind: "terminate"; readonly agent: string }
  | { readonly kind: "drain" }
  | { readonly kind: "close" }
  | { readonly kind: "reveal" }
  | { readonly kind: "kill" };

export interface Question {
  readonly title: string;
  /** What will happen, and whether it can be undone. */
  readonly consequence: string;
  readonly button: string;
  /** What must be typed before it is done; empty: a touch is enough. */
  readonly typed: string;
}

/** What is asked before an order is given. `leader` is empty when nobody leads. */
export function questionOf(order: Order, mesh: string, leader: string): Question {
  switch (order.kind) {
    case "transfer":
      return {
        title: `Let ${order.to} lead?`,
        consequence: `${leader || "Whoever leads"} finishes what it has begun and hands over. Nothing is lost meanwhile.`,
        button: `Let ${order.to} lead`,
        typed: "",
      };
    case "terminate":
      return {
        title: `Remove ${order.agent}?`,
        consequence:
          `${order.agent} is out as soon as the leader has ordered it, wherever it runs. ` +
          "In a game its seat is lost. It can join again only as a new run.",
        button: `Remove ${order.agent}`,
        typed: "",
      };
    case "drain":
      return {
        title: `Let nobody new into ${mesh}?`,
        consequence: "Who is in it stays and goes on; who was lost may come back. A mesh that drains does not open again.",
        button: "Let nobody new in",
        typed: "",
      };
    case "close":
      return {
        title: `Close ${mesh}?`,
        consequence: "Everybody is let go at once, games end where they are, and nobody leads it any more. That is final.",
        button: `Close ${mesh} for good`,
        typed: mesh,
      };
    case "reveal":
      return {
        title: "See what every player knows?",
        consequence:
          "You will see all roles and findings of a running game. The audit trail keeps that you looked, and with which key.",
        button: "Show every role",
        typed: "",
      };
    case "kill":
      return {
        title: `Kill the process of ${leader || "the leader"}?`,
        consequence:
          "The local stack sends it SIGKILL, now and without a word. Another manager takes over when the lease has run out.",
        button: "Kill it",
        typed: "",
      };
  }
}
