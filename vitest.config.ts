import { defineConfig } from "vitest/config";

// One project per layer, so that `./pi test fast` runs unit and contract tests only.
export default defineConfig({
  test: {
    // On two processors vitest would leave one to itself.
    maxWorkers: "100%",
    projects: [
      {
        test: {
          name: "unit",
          include: ["tests/unit/**/*.test.ts"],
          exclude: ["**/*.{every,whole}.test.ts"],
          // Pure functions: nothing is left over from file to file, and loading everything anew takes half as long again.
          isolate: false,
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: "contract",
          include: ["tests/contract/**/*.test.ts"],
          exclude: ["**/*.{every,whole}.test.ts"],
          testTimeout: 60_000,
        },
      },
      // Stopped at every point, changed at every byte, programs run as wholes: too long for the fast door.
      {
        test: {
          name: "every",
          include: ["tests/{unit,contract}/**/*.{every,whole}.test.ts"],
          testTimeout: 5 * 60_000,
        },
      },
      {
        test: {
          name: "workflow",
          include: ["tests/workflow/**/*.test.ts"],
          testTimeout: 20 * 60_000,
          hookTimeout: 20 * 60_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: "image",
          include: ["tests/image/**/*.test.ts"],
          testTimeout: 40 * 60_000,
          hookTimeout: 40 * 60_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
