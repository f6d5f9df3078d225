import type { LanguageInfo } from '#lib/languages/language-info';

export const info = {
  id: 'bash',
  name: 'Bash',
  aliases: ['sh', 'shell'],
  mainFile: 'main.sh',
  extension: 'sh',
  otherExtensions: ['bash'],
  highlightAs: 'shellscript',
  editor: { grammar: 'shell', indent: '  ' },
  input: { reads: /(?:^|[\s;|&(])read(?:\s|$)/m },
  isOptIn: true,
  executor: { name: 'bash', port: 8008 },
} as const satisfies LanguageInfo;
