import { onTestFinished } from "vitest";

/** The window, for a page that ends with its test: what it wants done later is not done when no window may be left. */
export function pageWindow(): Window {
  let isOver = false;
  onTestFinished(() => void (isOver = true));
  const { setInterval, setTimeout, requestAnimationFrame } = window;
  const later = {
    setInterval: (work: () => void, ms: number) => setInterval(() => isOver || work(), ms),
    setTimeout: (work: () => void, ms: number) => setTimeout(() => isOver || work(), ms),
    requestAnimationFrame: (work: () => void) => (isOver ? 0 : requestAnimationFrame(() => isOver || work())),
  };
  return new Proxy(window, {
    get: (real, name) => {
      if (name in later) return later[name as keyof typeof later];
      const found: unknown = Reflect.get(real, name);
      return typeof found === "function" ? found.bind(real) : found;
    },
  });
}
