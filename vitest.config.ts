import { defineConfig } from "vitest/config";

/** Tests of the browser's part, in Node: what needs a document says so in its first line (`@vitest-environment happy-dom`). */
export default defineConfig({
  test: {
    include: ["tests/web/**/*.test.ts"],
    restoreMocks: true,
    testTimeout: 10_000,
  },
});
