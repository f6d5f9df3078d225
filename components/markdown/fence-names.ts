import { LANGUAGE_INFOS } from '#lib/languages/infos';
import { LANGUAGE_NAMES } from './code-block-strings.ts';

/** Other names of the languages that are only highlighted. */
const ALIASES: Readonly<Record<string, string>> = {
  jsonc: 'json',
  json5: 'json',
  jsonl: 'json',
  htm: 'html',
  svg: 'xml',
  less: 'scss',
  zsh: 'shellscript',
  console: 'shellscript',
  ps1: 'powershell',
  pwsh: 'powershell',
  cs: 'csharp',
  'c#': 'csharp',
  fs: 'fsharp',
  'f#': 'fsharp',
  rb: 'ruby',
  kt: 'kotlin',
  hs: 'haskell',
  ex: 'elixir',
  erl: 'erlang',
  clj: 'clojure',
  jl: 'julia',
  ml: 'ocaml',
  pl: 'perl',
  sol: 'solidity',
  tex: 'latex',
  md: 'markdown',
  yml: 'yaml',
  dockerfile: 'docker',
  makefile: 'make',
  protobuf: 'proto',
  terraform: 'hcl',
  tf: 'hcl',
  gql: 'graphql',
  patch: 'diff',
  postgresql: 'sql',
  mysql: 'sql',
  sqlite: 'sql',
  conf: 'ini',
  properties: 'ini',
  nasm: 'asm',
};

const BY_FENCE = new Map(
  LANGUAGE_INFOS.flatMap((info) =>
    [info.id, ...info.aliases, ...(info.fenceNames ?? [])].map((name) => [name, info] as const),
  ),
);

/** The language that can be run, of a fence's info word: `py` is Python. */
export function languageOfFence(fence: string) {
  return BY_FENCE.get(fence.toLowerCase());
}

/** The highlighter's name for a fence's language. A name that is not known stays as it is. */
export function fenceLanguage(fence: string): string {
  const name = fence.toLowerCase();
  const info = BY_FENCE.get(name);
  return info === undefined ? (ALIASES[name] ?? name) : (info.highlightAs ?? info.id);
}

/** What people read for a fence's info word. A word that is not known stays as it is. */
export function fenceLabel(fence: string): string {
  const name = fence.toLowerCase();
  return BY_FENCE.get(name)?.name ?? LANGUAGE_NAMES[name] ?? LANGUAGE_NAMES[fenceLanguage(name)] ?? fence;
}
