/** Small manners of the screen: lists of talk stay at their end, the focus is never lost, calls get a fresh key. */

const NEAR_PX = 48;

/** Keeps what was scrolled to its end at its end, and the focus in the page, across a drawing. */
export class Stickiness {
  private readonly atEnd = new Set<Element>();
  private readonly known = new WeakSet<Element>();
  private hadFocus = false;

  before(root: HTMLElement): void {
    this.atEnd.clear();
    for (const list of root.querySelectorAll("[data-stick]")) {
      if (list.scrollHeight - list.scrollTop - list.clientHeight < NEAR_PX) this.atEnd.add(list);
    }
    this.hadFocus = root.contains(root.ownerDocument.activeElement);
  }

  after(root: HTMLElement): void {
    for (const list of root.querySelectorAll("[data-stick]")) {
      const isNew = list.clientHeight > 0 && !this.known.has(list);
      if (isNew) this.known.add(list);
      if (isNew || this.atEnd.has(list)) list.scrollTop = list.scrollHeight;
    }
    // What had the focus is gone with its phase: the title takes it, so that the next Tab leads on from there.
    const { activeElement, body } = root.ownerDocument;
    if (this.hadFocus && (activeElement === null || activeElement === body)) root.querySelector<HTMLElement>("h1")?.focus();
  }
}

/** A key that no other call has, for `Idempotency-Key`. */
export function fresh(): string {
  return crypto.randomUUID();
}
