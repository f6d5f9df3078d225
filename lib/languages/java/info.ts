import type { LanguageInfo } from '#lib/languages/language-info';

export const info = {
  id: 'java',
  name: 'Java',
  aliases: [],
  mainFile: 'Main.java',
  extension: 'java',
  mainFileNamedAfter: /\b(?:class|record|enum|interface)\s+([\w$]+)/,
  editor: { grammar: 'java', indent: '    ' },
  input: { reads: /\bSystem\.in\b|\bIO\.readln\b/, ended: /java\.util\.NoSuchElementException/ },
  executor: { name: 'java', port: 8003 },
} as const satisfies LanguageInfo;
