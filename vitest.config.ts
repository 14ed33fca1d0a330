import { defineConfig } from 'vitest/config';

/**
 * Two kinds of test, told apart by what they need. `unit` is pure logic and loopback servers, run in
 * parallel. `live` runs real media, real Redis and real Chromium against the wall clock, so its files run
 * one at a time: two of them at once would measure each other. In CI a live test is tried again before it counts
 * as failed: the wall clock of a shared machine stops now and then, and vitest marks what needed a second try.
 */
export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts'], testTimeout: 60_000 } },
      {
        test: {
          name: 'live',
          include: ['test/integration/**/*.test.ts', 'test/e2e/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
          retry: process.env['CI'] ? 2 : 0,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
