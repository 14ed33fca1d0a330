import { defineConfig } from 'vitest/config';

/**
 * Three kinds of test, told apart by what they need. `unit` is pure logic and loopback servers. `media` runs real
 * media, Redis and S3 servers, and can bear a neighbour: these two run together, two files at a time. `live`
 * runs whole platforms and Chromium against the wall clock, so its files run one at a time: two of them at once
 * would measure each other. The last two kinds are tried again before they count as failed: the wall clock of
 * a shared machine stops now and then, and vitest marks what needed a second try.
 */
const MEDIA = [
  'adapters',
  'control',
  'export',
  'feeds',
  'ingest',
  'origin',
  'runner/{origin-bytes,packager-media,publisher-adapters,runner-cloud}',
  'separate',
  'transcode/{captions,rate,sources}',
].map((place) => `test/integration/${place}${place.includes('/') ? '' : '/**/*'}.test.ts`);

const againstTheClock = {
  testTimeout: 120_000,
  hookTimeout: 120_000,
  retry: process.env['CI'] ? 2 : 1,
} as const;

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts'], testTimeout: 60_000, maxWorkers: 2 } },
      {
        test: {
          ...againstTheClock,
          name: 'media',
          include: MEDIA,
          maxWorkers: 2,
        },
      },
      {
        test: {
          ...againstTheClock,
          name: 'live',
          include: ['test/integration/**/*.test.ts', 'test/e2e/**/*.test.ts'],
          exclude: MEDIA,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
