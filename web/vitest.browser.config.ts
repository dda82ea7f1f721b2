import { defineConfig } from "vitest/config";

/** The tests that drive the real viewer in Chromium: `npm run browser`. */
export default defineConfig({
  test: {
    environment: "node",
    include: ["browser/**/*.test.ts"],
    globalSetup: "browser/setup.ts",
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
