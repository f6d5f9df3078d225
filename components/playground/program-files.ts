import { formatBytes } from '#lib/browser/format';
import { findLanguageInfo, LANGUAGE_INFOS } from '#lib/languages/infos';
import { languageOfFileName } from './language-options.ts';
import { emptyProgram, MAX_NAME_CHARACTERS, type NamedProgram } from './program.ts';
import { PROGRAM_STRINGS as S } from './strings.ts';
import { fileNamesInOutput, MAX_FILES, newFile, type Workspace, withNewFile } from './workspace.ts';

export interface TextFile {
  name: string;
  content: string;
}

/** Above what a runner takes by default, so that a data file can still be shortened here. */
const MAX_FILE_BYTES = 250_000;

/** Reads files as text. `problems` has a sentence for each one that is left out. */
export async function readTextFiles(list: readonly File[]): Promise<{ files: TextFile[]; problems: string[] }> {
  const files: TextFile[] = [];
  const problems: string[] = [];
  for (const file of list.slice(0, MAX_FILES)) {
    if (file.size > MAX_FILE_BYTES) {
      problems.push(S.tooLarge(file.name, formatBytes(file.size), formatBytes(MAX_FILE_BYTES)));
      continue;
    }
    try {
      const content = new TextDecoder('utf-8', { fatal: true }).decode(await file.arrayBuffer());
      if (content.includes('\0')) problems.push(S.notText(file.name));
      else files.push({ name: validName(file.name), content });
    } catch (error) {
      problems.push(error instanceof TypeError ? S.notText(file.name) : S.unreadable(file.name));
    }
  }
  if (list.length > MAX_FILES) problems.push(S.tooManyFiles(MAX_FILES));
  return { files, problems };
}

/** A name that the runner accepts, as close to `name` as possible. */
export function validName(name: string): string {
  const clean = name
    .normalize('NFKD')
    .replace(/[^A-Za-z0-9_. +-]/g, '')
    .replace(/^[^A-Za-z0-9_]+/, '')
    .slice(-200);
  return clean === '' || clean.startsWith('.') ? `file${clean}` : clean;
}

/** A program of these files. The main one is the first whose language is known, or `language`'s. */
export function programOf(
  id: string,
  files: readonly TextFile[],
  language: NamedProgram['language'],
): NamedProgram | undefined {
  const named = files.find(({ name }) => LANGUAGE_INFOS.some(({ mainFile }) => mainFile === name));
  const main = named ?? files.find(({ name }) => languageOfFileName(name) !== undefined) ?? files[0];
  if (main === undefined) return undefined;
  const isSource = languageOfFileName(main.name) !== undefined;
  const program = emptyProgram(id, languageOfFileName(main.name) ?? language);
  const [first] = program.files;
  const started: NamedProgram = {
    ...program,
    name: main.name.replace(/\.[^.]*$/, '').slice(0, MAX_NAME_CHARACTERS) || program.name,
    files: [isSource ? newFile(first.name, main.content) : first],
  };
  return withFiles(started, isSource ? files.filter((file) => file !== main) : files);
}

/** Adds files up to the limit. One whose name is there already replaces that one. */
export function withFiles<T extends Workspace>(workspace: T, files: readonly TextFile[]): T {
  let next: Workspace = workspace;
  for (const { name, content } of files) {
    const [main, ...others] = next.files;
    const file = newFile(name, content);
    if (main.name === name) next = { ...next, files: [file, ...others] };
    else if (others.some((one) => one.name === name))
      next = { ...next, files: [main, ...others.map((one) => (one.name === name ? file : one))] };
    else if (next.files.length < MAX_FILES) next = withNewFile(next, file);
  }
  return { ...workspace, files: next.files };
}

/** The files as they are downloaded. A single one has the name of the program. */
export function downloads(program: NamedProgram): TextFile[] {
  const [main, ...others] = program.files;
  const named =
    findLanguageInfo(program.language)?.mainFileNamedAfter === undefined ? undefined : fileNamesInOutput(program)[1];
  const extension = /\.[^.]*$/.exec(main.name)?.[0] ?? '';
  const own = program.name
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .replace(/^-|-$/g, '');
  const single = named ?? (own === '' ? main.name : own + extension);
  return [
    { name: others.length === 0 ? single : main.name, content: main.content },
    ...others.map(({ name, content }) => ({ name: name.split('/').at(-1) ?? name, content })),
  ];
}
