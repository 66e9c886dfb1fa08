/** What this browser keeps between visits: its seats and the last name. Without storage the page works all the same. */

/** A seat of this browser. Whoever has its secret plays it. */
export interface Seat {
  readonly code: string;
  readonly agent: string;
  readonly name: string;
  /** The session of a guest's admission, or an API key of this agent. */
  readonly kind: "session" | "key";
  readonly secret: string;
}

const SEATS = "firemesh.seats";
const NAME = "firemesh.name";
const SEATS_KEPT = 8;

/** The seats of this browser, latest first. A browser that refuses storage has none. */
export function keptSeats(storage: Storage | null): readonly Seat[] {
  try {
    const kept: unknown = JSON.parse(storage?.getItem(SEATS) ?? "[]");
    return Array.isArray(kept) ? kept.filter(isSeat) : [];
  } catch {
    return [];
  }
}

export function keepSeat(storage: Storage | null, seat: Seat): void {
  const others = keptSeats(storage).filter((each) => each.code !== seat.code);
  put(storage, SEATS, JSON.stringify([seat, ...others].slice(0, SEATS_KEPT)));
}

export function forgetSeat(storage: Storage | null, code: string): void {
  put(storage, SEATS, JSON.stringify(keptSeats(storage).filter((each) => each.code !== code)));
}

export function keptName(storage: Storage | null): string {
  try {
    return storage?.getItem(NAME) ?? "";
  } catch {
    return "";
  }
}

export function keepName(storage: Storage | null, name: string): void {
  put(storage, NAME, name);
}

function put(storage: Storage | null, name: string, value: string): void {
  try {
    storage?.setItem(name, value);
  } catch {
    // Full or refused: the seat is then good until the page is closed.
  }
}

function isSeat(value: unknown): value is Seat {
  const fields = ["code", "agent", "name", "kind", "secret"];
  return typeof value === "object" && value !== null && fields.every((field) => typeof Reflect.get(value, field) === "string");
}
