import tseslint from 'typescript-eslint';

/** Time, chance and the environment come in through constructors; these are the only files that may touch them. */
const worldEdges = [
  'packages/core/src/clock.ts',
  'packages/core/src/random.ts',
  'packages/core/src/testing/manual-clock.ts',
  'packages/examples/**',
  'packages/local/src/main.ts',
  'packages/contract/src/main.ts',
  'packages/benchmarks/**',
  'packages/process-checks/**',
  'packages/simulation/src/main.ts',
  'packages/simulation/src/event-loop.ts',
  'packages/local/src/http/turns.ts',
  '**/test/**',
];

export default tseslint.config(
  {
    ignores: [
      '**/dist/**',
      '**/node_modules/**',
      'eslint.config.mjs',
      'scripts/**',
      'interop/**',
      '**/test/support/*.mjs',
    ],
  },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        project: ['packages/*/tsconfig.json', 'tsconfig.test.json'],
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-unnecessary-condition': ['error', { allowConstantLoopConditions: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      'max-lines': ['error', { max: 400 }],
      'max-lines-per-function': ['error', { max: 90, skipComments: true, skipBlankLines: true }],
      eqeqeq: 'error',
      'no-console': 'error',
    },
  },
  {
    files: ['packages/*/src/**/*.ts'],
    ignores: worldEdges,
    rules: {
      'no-restricted-globals': [
        'error',
        ...['setTimeout', 'setInterval', 'setImmediate', 'performance'].map((name) => ({
          name,
          message: 'Time comes in through a Clock (packages/core/src/clock.ts).',
        })),
        { name: 'process', message: 'Libraries do not read the process; options do.' },
      ],
      'no-restricted-syntax': [
        'error',
        {
          selector: "CallExpression[callee.object.name='Date'][callee.property.name='now']",
          message: 'Use the Clock.',
        },
        { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: 'Use the Clock.' },
        {
          selector: "CallExpression[callee.object.name='Math'][callee.property.name='random']",
          message: 'Use the Random port.',
        },
        {
          selector: "CallExpression[callee.object.name='AbortSignal'][callee.property.name='timeout']",
          message: 'Use the Clock.',
        },
        { selector: 'TSEnumDeclaration', message: 'Use a union.' },
        { selector: 'TSNonNullExpression', message: 'Prove it instead.' },
      ],
    },
  },
  {
    files: [
      '**/test/**/*.ts',
      'packages/examples/**/*.ts',
      'packages/local/src/main.ts',
      'packages/contract/src/main.ts',
      'packages/simulation/src/main.ts',
    ],
    rules: {
      'no-console': 'off',
      'max-lines': 'off',
      'max-lines-per-function': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
);
