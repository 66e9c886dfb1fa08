import { defineConfig } from "vitest/config";

/** Tests of the browser's part, in Node: what needs a document says so in its first line (`@vitest-environment happy-dom`). */
export default defineConfig({
  test: {
    include: ["tests/web/**/*.test.ts"],
    restoreMocks: true,
    testTimeout: 120_000, // a machine that is busy with other tests may stand still for seconds
    hookTimeout: 120_000,
  },
});
