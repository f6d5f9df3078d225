import type { LanguageInfo } from '#lib/languages/language-info';

export const info = {
  id: 'go',
  name: 'Go',
  aliases: ['golang'],
  mainFile: 'main.go',
  extension: 'go',
  editor: { grammar: 'go', indent: '\t' },
  executor: { name: 'go', port: 8005 },
} as const satisfies LanguageInfo;
