/** @jest-config-loader ts-node */
/** @jest-config-loader-options {"transpileOnly": true} */
import type { Config } from 'jest';

/** Tests run on the sources: `@millrace/name` is `packages/name/src`, so that no build can be stale. */
const config: Config = {
  testEnvironment: 'node',
  // Jest itself would leave one core idle, which is half of a machine with two.
  maxWorkers: '100%',
  // Only ends a test that hangs: none waits for time to pass, but machines may be slow.
  testTimeout: 90_000,
  testMatch: ['<rootDir>/packages/*/test/**/*.test.ts', '<rootDir>/test/**/*.test.ts'],
  modulePathIgnorePatterns: ['<rootDir>/packages/[^/]+/dist/'],
  transform: {
    '\\.ts$': [
      '@swc/jest',
      {
        jsc: { parser: { syntax: 'typescript' }, target: 'es2023' },
        module: { type: 'commonjs' },
        sourceMaps: 'inline',
      },
    ],
  },
  moduleNameMapper: {
    '^@millrace/([^/]+)/testing$': '<rootDir>/packages/$1/src/testing/index.ts',
    '^@millrace/([^/]+)$': '<rootDir>/packages/$1/src/index.ts',
    '^millrace$': '<rootDir>/packages/worker/src/index.ts',
  },
};

export default config;
