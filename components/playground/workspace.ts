import { isRecord, parseJson } from '#lib/browser/type-guards';
import { FIRST_LANGUAGE, findLanguageInfo } from '#lib/languages/infos';
import { SAMPLES } from '#lib/languages/samples';
import type { CodeRequest, LanguageId } from '#lib/wire/code';
import { mainFileName } from '../code-run/main-file-name.ts';
import type { SharedProgram } from '../code-run/program-link.ts';
import { PROGRAM_STRINGS as S } from './strings.ts';

/** A program of one or more files with its input, arguments and time limit. */
export interface Workspace {
  language: LanguageId;
  /** The main file first. Its name is fixed per language. */
  files: readonly [WorkspaceFile, ...WorkspaceFile[]];
  stdin: string;
  /** As a command line. */
  args: string;
  /** Seconds. Undefined: the server's default. */
  timeout: number | undefined;
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

/** The same texts as other files: the editor shows each of them as it is here. */
export function withNewIds([main, ...others]: Workspace['files']): Workspace['files'] {
  const again = ({ name, content }: WorkspaceFile) => newFile(name, content);
  return [again(main), ...others.map(again)];
}

/** The initial program, the same on server and browser: the first sample of the first language. */
export const FIRST_WORKSPACE: Workspace = {
  language: FIRST_LANGUAGE.id,
  files: [{ id: 0, name: FIRST_LANGUAGE.mainFile, content: SAMPLES[FIRST_LANGUAGE.id][0].code }],
  stdin: '',
  args: '',
  timeout: undefined,
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
    timeout: shared.timeout,
  };
}

export function toShared({ language, files: [main, ...others], stdin, args, timeout }: Workspace): SharedProgram {
  return {
    language,
    code: main.content,
    ...(others.length === 0 ? {} : { files: others.map(({ name, content }) => ({ name, content })) }),
    ...(stdin === '' ? {} : { stdin }),
    ...(args === '' ? {} : { args }),
    ...(timeout === undefined ? {} : { timeout }),
  };
}

/** Whether both are the same to a runner: files, input, arguments and time limit. */
export function hasSameContent(a: Workspace, b: Workspace): boolean {
  return JSON.stringify(toShared(a)) === JSON.stringify(toShared(b));
}

export function toCodeRequest(
  { language, files: [main, ...others], stdin, timeout }: Workspace,
  words: readonly string[],
): CodeRequest {
  return {
    language,
    code: main.content,
    ...(others.length === 0 ? {} : { files: others.map(({ name, content }) => ({ name, content })) }),
    ...(stdin === '' ? {} : { stdin }),
    ...(words.length === 0 ? {} : { args: [...words] }),
    ...(timeout === undefined ? {} : { timeout }),
  };
}

/** A sentence why `name` is not a valid file name; undefined if it is. */
export function fileNameError(name: string, others: readonly string[]): string | undefined {
  if (name === '') return S.fileNameMissing;
  if (!name.split('/').every((part) => /^[A-Za-z0-9_][A-Za-z0-9_. +-]*$/.test(part)) || name.length > 200)
    return S.fileNameInvalid;
  if (others.some((other) => other === name || other.startsWith(`${name}/`) || name.startsWith(`${other}/`)))
    return S.fileTaken(name);
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

export function withFile(
  { files: [main, ...others], ...before }: Workspace,
  id: number,
  change: (file: WorkspaceFile) => WorkspaceFile,
): Workspace {
  const changed = (file: WorkspaceFile) => (file.id === id ? change(file) : file);
  return { ...before, files: [changed(main), ...others.map(changed)] };
}

export function withoutFile({ files: [main, ...others], ...before }: Workspace, id: number): Workspace {
  return { ...before, files: [main, ...others.filter((file) => file.id !== id)] };
}

/** Inserts at `index`, or at the end. A name that is taken gets a number. */
export function withNewFile({ files, ...before }: Workspace, file: WorkspaceFile, index = files.length): Workspace {
  const [main, ...others] = files;
  const name = freeFileName(
    file.name,
    files.map((one) => one.name),
  );
  const added = name === file.name ? file : newFile(name, file.content);
  return { ...before, files: [main, ...others.toSpliced(Math.max(0, index - 1), 0, added)] };
}

function freeFileName(name: string, taken: readonly string[]): string {
  if (!taken.includes(name)) return name;
  const [, base = name, extension = ''] = /^(.+?)(\.[^./]*)?$/.exec(name) ?? [];
  for (let number = 2; ; number += 1) {
    const next = `${base}-${number}${extension}`;
    if (!taken.includes(next)) return next;
  }
}

/** Files of stored JSON: a list of names and contents. */
export function parseFiles(text: string): WorkspaceFile[] {
  return filesOf(parseJson(text));
}

export function filesOf(list: unknown): WorkspaceFile[] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((entry: unknown) =>
    isRecord(entry) && typeof entry.name === 'string' && typeof entry.content === 'string'
      ? [newFile(entry.name, entry.content)]
      : [],
  );
}
