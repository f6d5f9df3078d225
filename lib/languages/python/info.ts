import type { LanguageInfo } from '#lib/languages/language-info';

export const info = {
  id: 'python',
  name: 'Python',
  aliases: ['py', 'python3'],
  mainFile: 'main.py',
  extension: 'py',
  fenceNames: ['py3'],
  editor: { grammar: 'python', indent: '    ' },
  input: { reads: /\binput\s*\(|\bsys\.stdin\b|\bfileinput\b/, ended: /^EOFError: EOF when reading a line/m },
  demoEngine: 'python',
  executor: { name: 'python', port: 8001 },
} as const satisfies LanguageInfo;
