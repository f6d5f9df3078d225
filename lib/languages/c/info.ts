import type { LanguageInfo } from '#lib/languages/language-info';

export const info = {
  id: 'c',
  name: 'C',
  aliases: ['c17', 'gcc'],
  mainFile: 'main.c',
  extension: 'c',
  fenceNames: ['h'],
  editor: { grammar: 'cpp', indent: '    ' },
  input: { reads: /\bscanf\b|\bgetchar\b|\bstdin\b/ },
  isOptIn: true,
  fallback: 'cpp',
  executor: { name: 'c', port: 8007 },
} as const satisfies LanguageInfo;
