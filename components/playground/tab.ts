import { isRecord, parseJson } from '#lib/browser/type-guards';
import { FIRST_PROGRAM, type NamedProgram, parseProgram, serializeProgram } from './program.ts';
import { withNewIds } from './workspace.ts';

export type SaveProblem = 'full' | 'too-many' | 'blocked';

/** The program that one browser tab shows. */
export interface Tab {
  program: NamedProgram;
  /** The revision that this tab knows. Empty: the program is not saved. */
  rev: string;
  /** Whether this tab changed the program. Another tab then never replaces its text. */
  isEdited: boolean;
  /** Whether the program came with a link and was not changed since. */
  isLink: boolean;
  /** The id of the file that the editor shows. */
  file: number;
  /** Why the last edit is not saved. */
  problem: SaveProblem | undefined;
}

/** The tab of a new browser. The same object on server and browser. */
export const FIRST_TAB: Tab = {
  program: FIRST_PROGRAM,
  rev: '',
  isEdited: false,
  isLink: false,
  file: FIRST_PROGRAM.files[0].id,
  problem: undefined,
};

/** Whether the editor shows a file of `tab` with another text: it knows a file by its id. */
export function isShownOtherwise(tab: Tab, shown: Tab): boolean {
  return tab.program.files.some(({ id, content }) =>
    shown.program.files.some((file) => file.id === id && file.content !== content),
  );
}

export function withNewFiles(tab: Tab): Tab {
  const files = withNewIds(tab.program.files);
  const index = tab.program.files.findIndex(({ id }) => id === tab.file);
  return { ...tab, program: { ...tab.program, files }, file: (files[index] ?? files[0]).id };
}

const TAB_KEY = 'program-tab';

/** The tab before a reload. Its `problem` is found again when it is saved. */
export function readTab(session: Storage | undefined): Tab | undefined {
  let value: unknown;
  try {
    value = parseJson(session?.getItem(TAB_KEY) ?? '');
  } catch {
    return undefined;
  }
  if (!isRecord(value) || typeof value.id !== 'string' || typeof value.text !== 'string') return undefined;
  const stored = parseProgram(value.id, value.text);
  if (stored === undefined) return undefined;
  const { program, rev } = stored;
  const file = program.files[typeof value.shown === 'number' ? value.shown : 0] ?? program.files[0];
  return {
    program,
    rev: rev === '-' ? '' : rev,
    isEdited: value.isEdited === true,
    isLink: value.isLink === true,
    file: file.id,
    problem: undefined,
  };
}

export function writeTab(session: Storage | undefined, tab: Tab, now: number): void {
  const { program, rev, isEdited, isLink, file } = tab;
  const shown = program.files.findIndex(({ id }) => id === file);
  const text = serializeProgram({ program, rev: rev || '-', editedAt: now });
  try {
    session?.setItem(TAB_KEY, JSON.stringify({ id: program.id, isEdited, isLink, shown, text }));
  } catch {
    // Storage is full. The page has the program, and `localStorage` what was saved of it.
  }
}
