import type { LanguageInfo } from '#lib/languages/language-info';

export const info = {
  id: 'cpp',
  name: 'C++',
  aliases: ['c++', 'cxx', 'cplusplus', 'g++'],
  mainFile: 'main.cpp',
  extension: 'cpp',
  otherExtensions: ['h', 'hpp', 'cc', 'cxx'],
  fenceNames: ['cc', 'hpp'],
  editor: { grammar: 'cpp', indent: '    ' },
  input: { reads: /\bcin\b|\bscanf\b|\bgetchar\b|\bfgets\b/ },
  executor: { name: 'cpp', port: 8004 },
} as const satisfies LanguageInfo;
