import type { LanguageInfo } from '#lib/languages/language-info';

export const info = {
  id: 'javascript',
  name: 'JavaScript',
  aliases: ['js', 'node', 'nodejs'],
  mainFile: 'main.js',
  extension: 'js',
  otherExtensions: ['mjs', 'cjs'],
  fenceNames: ['mjs', 'cjs'],
  editor: { grammar: 'javascript', indent: '  ' },
  input: { reads: /\bprocess\.stdin\b|\breadFileSync\(\s*(?:0|['"]\/dev\/stdin['"])/ },
  demoEngine: 'javascript',
  executor: { name: 'javascript', port: 8002 },
} as const satisfies LanguageInfo;
