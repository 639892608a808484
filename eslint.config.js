import tseslint from 'typescript-eslint';

const projects = [
  'apdu',
  'api-spec',
  'drivers',
  'pkcs11-module',
  'daemon',
  'daemon/console/desk-page',
  'docs',
  'examples/card-office',
  'examples/card-office/page',
  'installer',
  'test',
];

export default tseslint.config(
  { ignores: ['node_modules/', 'dist/', 'build/', 'scripts/**/*.mjs', '*.config.*'] },
  {
    files: projects.map((folder) => `${folder}/**/*.{ts,tsx}`),
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: {
      parserOptions: { project: projects.map((folder) => `./${folder}/tsconfig.json`), tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-unnecessary-condition': ['error', { allowConstantLoopConditions: 'only-allowed-literals' }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unused-vars': ['error', { ignoreRestSiblings: true }],
      'max-lines': ['error', { max: 600 }],
      'max-lines-per-function': ['error', { max: 80 }],
      'no-console': 'error',
      eqeqeq: 'error',
    },
  },
  {
    // A test's describe block is a list of statements, not a function with a job.
    files: ['**/*.test.ts', 'test/**/*.ts'],
    rules: { 'max-lines-per-function': 'off', '@typescript-eslint/no-non-null-assertion': 'error' },
  },
);
