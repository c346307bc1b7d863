import js from '@eslint/js';
import tseslint from 'typescript-eslint';

const NODE_GLOBALS = [
  ...['process', 'console', 'performance', 'Buffer', 'URL'],
  ...['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'],
];

export default tseslint.config(
  { ignores: ['dist/', '.tap/', 'node_modules/'] },
  js.configs.recommended,
  {
    files: ['**/*.{ts,tsx}'],
    extends: [...tseslint.configs.strictTypeChecked, ...tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': 'off', // `return fail(x)` says that nothing follows
      '@typescript-eslint/prefer-nullish-coalescing': ['error', { ignorePrimitives: { string: true } }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/no-empty-function': 'off', // a callback that is set later
      '@typescript-eslint/dot-notation': 'off', // noPropertyAccessFromIndexSignature is the compiler's business
      'no-control-regex': 'off', // control characters are what a terminal program looks for
    },
  },
  {
    files: ['test/**/*.ts'],
    // tap's asserts and subtests return promises that the runner awaits itself
    rules: {
      '@typescript-eslint/no-floating-promises': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/require-await': 'off',
    },
  },
  {
    files: ['**/*.mjs'],
    languageOptions: { globals: Object.fromEntries(NODE_GLOBALS.map((name) => [name, 'readonly'])) },
  },
);
