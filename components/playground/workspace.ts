import { isRecord, parseJson } from '#lib/browser/type-guards';
import { FIRST_LANGUAGE, findLanguageInfo } from '#lib/languages/infos';
import { SAMPLES } from '#lib/languages/samples';
import type { CodeRequest, LanguageId } from '#lib/wire/code';
import { mainFileName } from '../code-run/main-file-name.ts';
import type { SharedProgram } from '../code-run/program-link.ts';

/** A program of one or more files with its input and arguments. */
export interface Workspace {
  language: LanguageId;
  /** The main file first. Its name is fixed per language. */
  files: readonly [WorkspaceFile, ...WorkspaceFile[]];
  stdin: string;
  /** As a command line. */
  args: string;
}

export interface WorkspaceFile {
  /** Unique and constant: the editor identifies a file by it. */
  id: number;
  name: string;
  content: string;
}

export const MAX_FILES = 20;

let lastId = 0;
export function newFile(name: string, content: string): WorkspaceFile {
  lastId += 1;
  return { id: lastId, name, content };
}

/** The initial program, the same on server and browser: the first sample of the first language. */
export const FIRST_WORKSPACE: Workspace = {
  language: FIRST_LANGUAGE.id,
  files: [{ id: 0, name: FIRST_LANGUAGE.mainFile, content: SAMPLES[FIRST_LANGUAGE.id][0].code }],
  stdin: '',
  args: '',
};

/** All names that the runner may use for the program's files. */
export function fileNamesInOutput({ language, files }: Workspace): string[] {
  const [main, ...others] = files;
  const info = findLanguageInfo(language);
  const given = info?.mainFileNamedAfter?.exec(main.content)?.[1];
  return [
    main.name,
    ...(given === undefined ? [] : [`${given}.${info?.extension}`]),
    ...others.map(({ name }) => name),
  ];
}

export function fromShared(shared: SharedProgram, language: LanguageId): Workspace {
  const others = (shared.files ?? []).map(({ name, content }) => newFile(name, content));
  return {
    language,
    files: [newFile(mainFileName(language), shared.code), ...others.slice(0, MAX_FILES - 1)],
    stdin: shared.stdin ?? '',
    args: shared.args ?? '',
  };
}

export function toShared({ language, files: [main, ...others], stdin, args }: Workspace): SharedProgram {
  return {
    language,
    code: main.content,
    ...(others.length === 0 ? {} : { files: others.map(({ name, content }) => ({ name, content })) }),
    ...(stdin === '' ? {} : { stdin }),
    ...(args === '' ? {} : { args }),
  };
}

export function toCodeRequest(
  { language, files: [main, ...others], stdin }: Workspace,
  words: readonly string[],
): CodeRequest {
  return {
    language,
    code: main.content,
    ...(others.length === 0 ? {} : { files: others.map(({ name, content }) => ({ name, content })) }),
    ...(stdin === '' ? {} : { stdin }),
    ...(words.length === 0 ? {} : { args: [...words] }),
  };
}

/** A sentence why `name` is not a valid file name; undefined if it is. */
export function fileNameError(name: string, others: readonly string[]): string | undefined {
  if (name === '') return 'Give the file a name.';
  if (!name.split('/').every((part) => /^[A-Za-z0-9_][A-Za-z0-9_. +-]*$/.test(part)) || name.length > 200)
    return 'Use letters, digits, dots, dashes and underscores; folders are written with a slash.';
  if (others.some((other) => other === name || other.startsWith(`${name}/`) || name.startsWith(`${other}/`)))
    return `There is a ${name} already.`;
  return undefined;
}

/** The next free file name: `file2.py`. */
export function nextFileName({ files, language }: Workspace): string {
  const { extension, mainFileNamedAfter } = findLanguageInfo(language) ?? { extension: 'txt' };
  // Files that are named after their types begin with a capital letter.
  const base = mainFileNamedAfter === undefined ? 'file' : 'File';
  for (let number = files.length + 1; ; number += 1) {
    const name = `${base}${number}.${extension}`;
    if (!files.some((file) => file.name === name)) return name;
  }
}

/** The additional files of a language as this browser stores them. */
export function serializeFiles(files: readonly WorkspaceFile[]): string {
  return files.length === 0 ? '' : JSON.stringify(files.map(({ name, content }) => ({ name, content })));
}

export function parseFiles(text: string): WorkspaceFile[] {
  const list = parseJson(text);
  if (!Array.isArray(list)) return [];
  return list.flatMap((entry: unknown) =>
    isRecord(entry) && typeof entry.name === 'string' && typeof entry.content === 'string'
      ? [newFile(entry.name, entry.content)]
      : [],
  );
}
