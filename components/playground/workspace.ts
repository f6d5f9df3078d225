import { isRecord, parseJson } from '#lib/browser/type-guards';
import { findLanguageInfo } from '#lib/languages/infos';
import type { CodeRequest, LanguageId } from '#lib/wire/code';
import { mainFileName } from '../code-run/main-file-name.ts';
import type { SharedProgram } from '../code-run/program-link.ts';

/** What stands in the playground: a program of one or more files, and what it is run with. */
export interface Workspace {
  language: LanguageId;
  /** The main file first; it has the language's own name. */
  files: readonly [WorkspaceFile, ...WorkspaceFile[]];
  stdin: string;
  /** As a command line. */
  args: string;
}

export interface WorkspaceFile {
  /** Never changes, and never comes again: the editor knows a file by it. */
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

/** What stands in a playground where nothing was written yet: the first sample of the first language. The same for the server and the browser. */
export const FIRST_WORKSPACE: Workspace = {
  language: 'python',
  files: [{ id: 0, name: mainFileName('python'), content: findLanguageInfo('python')?.samples[0].code ?? '' }],
  stdin: '',
  args: '',
};

/** Every name under which the runner may speak of the program's files. */
export function fileNamesInOutput({ language, files }: Workspace): string[] {
  const [main, ...others] = files;
  const publicClass =
    language === 'java' ? /\b(?:class|record|enum|interface)\s+([\w$]+)/.exec(main.content)?.[1] : undefined;
  return [main.name, ...(publicClass === undefined ? [] : [`${publicClass}.java`]), ...others.map(({ name }) => name)];
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

/** Why `name` cannot be a file's, as the runner would say it; undefined where it can. */
export function fileNameError(name: string, others: readonly string[]): string | undefined {
  if (name === '') return 'Give the file a name.';
  if (!name.split('/').every((part) => /^[A-Za-z0-9_][A-Za-z0-9_. +-]*$/.test(part)) || name.length > 200)
    return 'Use letters, digits, dots, dashes and underscores; folders are written with a slash.';
  if (others.some((other) => other === name || other.startsWith(`${name}/`) || name.startsWith(`${other}/`)))
    return `There is a ${name} already.`;
  return undefined;
}

/** A name for the next file that is still free: `file2.py`. */
export function nextFileName({ files, language }: Workspace): string {
  const extension = findLanguageInfo(language)?.extension ?? 'txt';
  for (let number = files.length + 1; ; number += 1) {
    const name = `${language === 'java' ? 'File' : 'file'}${number}.${extension}`;
    if (!files.some((file) => file.name === name)) return name;
  }
}

/** The other files of a language, as this browser keeps them. */
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
