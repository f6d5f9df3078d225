import { isRecord, parseJson } from '#lib/browser/type-guards';
import { findLanguageInfo } from '#lib/languages/infos';
import type { SampleProgram } from '#lib/languages/language-info';
import { SAMPLES } from '#lib/languages/samples';
import type { LanguageId } from '#lib/wire/code';
import { mainFileName } from '../code-run/main-file-name.ts';
import { PROGRAM_STRINGS as S } from './strings.ts';
import { FIRST_WORKSPACE, filesOf, newFile, type Workspace } from './workspace.ts';

/** A workspace with a name. It is stored in this browser from its first edit on. */
export interface NamedProgram extends Workspace {
  id: string;
  name: string;
  /** The title of the example that it began as. */
  example: string | undefined;
}

/** A program as this browser stores it. */
export interface StoredProgram {
  program: NamedProgram;
  /** Changes with each save. */
  rev: string;
  /** Milliseconds since 1970. */
  editedAt: number;
}

export const MAX_NAME_CHARACTERS = 80;

/** The initial program, the same on server and browser. */
export const FIRST_PROGRAM: NamedProgram = {
  ...FIRST_WORKSPACE,
  id: 'first',
  name: SAMPLES[FIRST_WORKSPACE.language][0].title,
  example: SAMPLES[FIRST_WORKSPACE.language][0].title,
};

export function exampleProgram(id: string, language: LanguageId, { title, code, stdin }: SampleProgram): NamedProgram {
  const files: Workspace['files'] = [newFile(mainFileName(language), code)];
  return { id, name: title, example: title, language, files, stdin: stdin ?? '', args: '', timeout: undefined };
}

export function emptyProgram(id: string, language: LanguageId): NamedProgram {
  return { ...exampleProgram(id, language, { title: untitled(language), code: '' }), example: undefined };
}

export function untitled(language: LanguageId): string {
  return S.untitled(findLanguageInfo(language)?.name ?? language);
}

/** The example that the program began as. */
export function exampleOf({ language, example }: NamedProgram): SampleProgram | undefined {
  return example === undefined ? undefined : SAMPLES[language].find(({ title }) => title === example);
}

/** `wanted`, or with the lowest number that is free: `Untitled Python 3`. */
export function freeName(wanted: string, taken: readonly string[]): string {
  const name = wanted.trim().slice(0, MAX_NAME_CHARACTERS);
  if (!taken.includes(name)) return name;
  for (let number = 2; ; number += 1) {
    const next = `${name} ${number}`;
    if (!taken.includes(next)) return next;
  }
}

/** A sentence why `name` is not a valid name of a program; undefined if it is. */
export function programNameError(name: string, others: readonly string[]): string | undefined {
  if (name === '') return S.nameMissing;
  if (name.length > MAX_NAME_CHARACTERS) return S.nameTooLong(MAX_NAME_CHARACTERS);
  return others.includes(name) ? S.nameTaken(name) : undefined;
}

/** The revision stands before the JSON, so that it is compared without parsing. */
export function serializeProgram({ program, rev, editedAt }: StoredProgram): string {
  const { name, example, language, files, stdin, args, timeout } = program;
  const texts = files.map((file) => ({ name: file.name, content: file.content }));
  return `${rev}\n${JSON.stringify({ name, example, editedAt, language, files: texts, stdin, args, timeout })}`;
}

export function revisionOf(text: string): string {
  return text.slice(0, Math.max(0, text.indexOf('\n')));
}

/** Undefined if the text was damaged, or written by a later version. The files get new ids. */
export function parseProgram(id: string, text: string): StoredProgram | undefined {
  const rev = revisionOf(text);
  const value = parseJson(text.slice(rev.length + 1));
  if (rev === '' || !isRecord(value)) return undefined;
  const language = findLanguageInfo(textOr(value.language, ''))?.id;
  const [main, ...others] = filesOf(value.files);
  if (language === undefined || main === undefined) return undefined;
  return {
    rev,
    editedAt: typeof value.editedAt === 'number' ? value.editedAt : 0,
    program: {
      id,
      name: textOr(value.name, untitled(language)),
      example: typeof value.example === 'string' ? value.example : undefined,
      language,
      files: [{ ...main, name: mainFileName(language) }, ...others],
      stdin: textOr(value.stdin, ''),
      args: textOr(value.args, ''),
      timeout: typeof value.timeout === 'number' ? value.timeout : undefined,
    },
  };
}

function textOr(value: unknown, otherwise: string): string {
  return typeof value === 'string' ? value : otherwise;
}
