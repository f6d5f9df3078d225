import type { LanguageInfo } from '#lib/languages/language-info';

export const info = {
  id: 'rust',
  name: 'Rust',
  aliases: ['rs'],
  mainFile: 'main.rs',
  extension: 'rs',
  editor: { grammar: 'rust', indent: '    ' },
  input: { reads: /\bstdin\s*\(\s*\)/ },
  executor: { name: 'rust', port: 8006 },
} as const satisfies LanguageInfo;
