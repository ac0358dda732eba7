import reactHooks from 'eslint-plugin-react-hooks';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['**/dist/**', 'e2e/**'] },
  ...tseslint.configs.recommended,
  {
    files: ['**/*.{ts,tsx}'],
    languageOptions: {
      parserOptions: {
        project: [
          './sdk/tsconfig.json',
          './app/tsconfig.json',
          './app/tsconfig.tools.json',
          '../sim/client/tsconfig.json',
        ],
        tsconfigRootDir: import.meta.dirname ?? new URL('.', import.meta.url).pathname,
      },
    },
    rules: {
      eqeqeq: 'error',
      'no-console': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { ignoreRestSiblings: true }],
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: false }],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
    },
  },
  {
    files: ['app/**/*.{ts,tsx}'],
    ignores: ['**/*.test.{ts,tsx}'],
    plugins: { 'react-hooks': reactHooks },
    rules: {
      ...reactHooks.configs.recommended.rules,
      'react-hooks/exhaustive-deps': 'error',
      // The application sees the SDK by its index and nothing else.
      'no-restricted-imports': ['error', { patterns: ['@liaison/sdk/*', '**/sdk/src/**'] }],
    },
  },
  {
    files: ['sdk/src/**/*.ts'],
    ignores: ['**/*.test.ts'],
    rules: {
      // The SDK has no page: it touches no element but those handed to it.
      'no-restricted-globals': ['error', 'document', 'alert', 'history'],
    },
  },
);
