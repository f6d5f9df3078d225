import type { LanguageInfo } from '#lib/languages/language-info';

export const info = {
  id: 'typescript',
  name: 'TypeScript',
  aliases: ['ts'],
  mainFile: 'main.ts',
  extension: 'ts',
  otherExtensions: ['mts', 'cts'],
  fenceNames: ['mts'],
  editor: { grammar: 'typescript', indent: '  ' },
  input: { reads: /\bprocess\.stdin\b|\breadFileSync\(\s*(?:0|['"]\/dev\/stdin['"])/ },
  demoEngine: 'javascript',
  executor: { name: 'javascript', port: 8002 },
} as const satisfies LanguageInfo;
