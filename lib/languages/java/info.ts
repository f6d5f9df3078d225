import type { LanguageInfo } from '#lib/languages/language-info';

export const info = {
  id: 'java',
  name: 'Java',
  aliases: [],
  mainFile: 'Main.java',
  extension: 'java',
  mainFileNamedAfter: /\b(?:class|record|enum|interface)\s+([\w$]+)/,
  editor: { grammar: 'java', indent: '    ' },
  executor: { name: 'java', port: 8003 },
} as const satisfies LanguageInfo;
