import { findLanguageInfo } from '#lib/languages/infos';
import type { NamedProgram, StoredProgram } from './program.ts';
import { PROGRAM_STRINGS as S } from './strings.ts';
import type { Tab } from './tab.ts';

export interface ListedProgram {
  program: NamedProgram;
  /** Milliseconds since 1970. Undefined: not saved yet. */
  editedAt: number | undefined;
}

/** The saved programs, newest first, and before them the one of this tab if it is not saved. */
export function listPrograms(saved: readonly StoredProgram[], { program }: Tab): ListedProgram[] {
  if (saved.some((stored) => stored.program.id === program.id)) return [...saved];
  return [{ program, editedAt: undefined }, ...saved];
}

/** `Python`, or `Python · not saved yet`. */
export function languageText({ program: { language }, editedAt }: ListedProgram): string {
  const name = findLanguageInfo(language)?.name ?? language;
  return editedAt === undefined ? S.editedAt(name, S.notSavedYet) : name;
}
