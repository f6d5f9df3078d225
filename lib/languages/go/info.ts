import type { LanguageInfo } from '#lib/languages/language-info';

export const info = {
  id: 'go',
  name: 'Go',
  aliases: ['golang'],
  mainFile: 'main.go',
  extension: 'go',
  editor: { grammar: 'go', indent: '\t' },
  input: { reads: /\bos\.Stdin\b|\bfmt\.Scan/ },
  executor: { name: 'go', port: 8005 },
} as const satisfies LanguageInfo;
