import { defineConfig } from 'vitest/config';

/**
 * `unit`: everything that runs on simulated parts alone. `pcsc`: needs the real pcscd and tools. `browser`: needs Chromium. `crash`: kills daemons, and fills
 * disks. `scripts/test.mjs` runs the last three in namespaces of their own.
 */
export default defineConfig({
  test: {
    pool: 'forks',
    testTimeout: 30_000,
    hookTimeout: 30_000,
    env: { UV_THREADPOOL_SIZE: '64', PCSCLITE_NO_BLOCKING: '1' },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['{apdu,api-spec,drivers,pkcs11-module,daemon,installer,test}/**/*.test.ts'],
          exclude: ['test/{abuse,browser,installer,pcsc}/**', 'test/issuance/crash/**', '**/node_modules/**'],
        },
      },
      {
        extends: true,
        test: {
          name: 'abuse',
          include: ['test/abuse/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'crash',
          include: ['test/issuance/crash/**/*.test.ts'],
          fileParallelism: false,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'installer',
          include: ['test/installer/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 600_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'pcsc',
          include: ['test/pcsc/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'browser',
          include: ['test/browser/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
