import { appendToDraft } from '#lib/browser/own-draft';
import { showToast } from '#lib/browser/toasts';
import type { SampleProgram } from '#lib/languages/language-info';
import { SAMPLES } from '#lib/languages/samples';
import type { LanguageId } from '#lib/wire/code';
import { toFragment } from '../code-run/program-link.ts';
import { messageAbout } from './ask-about.ts';
import { emptyProgram, exampleOf, exampleProgram, type NamedProgram } from './program.ts';
import { programOf, readTextFiles, withFiles } from './program-files.ts';
import { markOwn, newProgramId, programs } from './programs.ts';
import { PROGRAM_STRINGS as S } from './strings.ts';
import type { Tab } from './tab.ts';
import { newFile, toShared, type WorkspaceFile, withFile, withNewFile, withoutFile } from './workspace.ts';

/** The page changes programs with these. Each removal can be undone. */

const PROBLEMS_MS = 10_000;

/** Stays while others are offered: what was taken away is lost without it. */
function offerUndo(text: string, undo: () => void): void {
  showToast({ text, action: { label: S.undo, run: undo } });
}

/** Replaces the last offer of this kind. */
function offerBack(text: string, goBack: () => void): void {
  showToast({ text, action: { label: S.undo, run: goBack }, id: 'program-opened' });
}

const edit = (change: (before: NamedProgram) => NamedProgram) => programs().store.edit(change);

export function changeFile(id: number, content: string): void {
  edit((before) => ({ ...before, ...withFile(before, id, (file) => ({ ...file, content })) }));
}

export function setInputs(part: Partial<Pick<NamedProgram, 'stdin' | 'args' | 'timeout'>>): void {
  edit((before) => ({ ...before, ...part }));
}

export function showFile(id: number): void {
  programs().store.showFile(id);
}

export function addFile(name: string): void {
  const file = newFile(name, '');
  edit((before) => ({ ...before, ...withNewFile(before, file) }));
  showFile(file.id);
}

export function renameFile(id: number, name: string): void {
  // A new id: the editor chooses the language by the name when it opens a file.
  const renamed = newFile(name, fileOf(programs().store.tab(), id)?.content ?? '');
  edit((before) => ({ ...before, ...withFile(before, id, () => renamed) }));
  showFile(renamed.id);
}

export function deleteFile(id: number): void {
  const { store } = programs();
  const tab = store.tab();
  const { program } = tab;
  const file = fileOf(tab, id);
  if (file === undefined) return;
  const index = program.files.indexOf(file);
  edit((before) => ({ ...before, ...withoutFile(before, id) }));
  offerUndo(S.fileDeleted(file.name), () => {
    if (!store.open(program.id)) {
      // The program is not saved, and another one is open: it comes back as it was.
      store.restore({ ...tab, rev: '', isEdited: false, problem: undefined });
      edit((before) => ({ ...before }));
      return;
    }
    const restored = newFile(file.name, file.content);
    edit((before) => ({ ...before, ...withNewFile(before, restored, index) }));
    const { files } = store.tab().program;
    showFile((files.find((one) => one.id === restored.id) ?? files[index] ?? files[0]).id);
  });
}

function fileOf({ program }: Tab, id: number): WorkspaceFile | undefined {
  return program.files.find((file) => file.id === id);
}

/** Opens an empty program. The one before is saved, if it was edited. */
export function newProgram(language: LanguageId): void {
  programs().store.openNew(emptyProgram(newProgramId(), language));
  markOwn();
}

/** Opens a program that is saved with its first edit. */
function openNew(program: NamedProgram): void {
  const before = programs().store.tab();
  programs().store.openNew(program);
  markOwn();
  offerBack(S.opened(programs().store.tab().program.name), () => programs().store.goBack(before));
}

export function openExample(language: LanguageId, sample: SampleProgram): void {
  openNew(exampleProgram(newProgramId(), language, sample));
}

export function openSaved(id: string): void {
  programs().store.open(id);
  markOwn();
}

/** Opens the latest program of the language, or its first example. */
export function chooseLanguage(language: LanguageId): void {
  const { store } = programs();
  if (store.tab().program.language === language) return;
  if (!store.openLatest(language)) store.openNew(firstExample(language));
  markOwn();
}

function firstExample(language: LanguageId): NamedProgram {
  return exampleProgram(newProgramId(), language, SAMPLES[language][0]);
}

/** Names of all saved programs but one. */
export function otherNames(id: string): string[] {
  return programs()
    .storage.list()
    .filter(({ program }) => program.id !== id)
    .map(({ program }) => program.name);
}

export function renameProgram(id: string, name: string): void {
  programs().store.rename(id, name);
}

export function duplicateProgram(id: string): void {
  const { store } = programs();
  const before = store.tab();
  if (!store.open(id)) return;
  const name = store.duplicate();
  const copy = store.tab().program.id;
  offerBack(S.duplicated(name), () => {
    if (store.tab().program.id === copy) store.goBack(before);
    removeQuietly(copy);
  });
}

export function deleteProgram(id: string): void {
  const { store, storage } = programs();
  const shown = store.tab().program;
  const program = shown.id === id ? shown : storage.read(id)?.program;
  if (program === undefined) return;
  const undoDelete = removeQuietly(id);
  offerUndo(S.deleted(program.name), undoDelete);
}

function removeQuietly(id: string): () => void {
  const { store, runs } = programs();
  const restoreRun = runs.remove(id);
  const restore = store.delete(id, () => firstExample(store.tab().program.language));
  return () => {
    restore();
    restoreRun();
  };
}

/** `replace` puts a text into the editor as one edit. Undefined while there is no editor. */
export function resetToExample(replace: ((text: string) => void) | undefined): void {
  const { store } = programs();
  const before = store.tab();
  const { program, file } = before;
  const example = exampleOf(program);
  if (example === undefined) return;
  const [main] = program.files;
  const isInEditor = file === main.id && replace !== undefined;
  edit((current) => ({
    ...current,
    files: [isInEditor ? main : newFile(main.name, example.code)],
    stdin: example.stdin ?? '',
    args: '',
  }));
  if (isInEditor) replace(example.code);
  offerUndo(S.wasReset(example.title), () => store.restoreContent(before));
}

/** Adds files to the program, or opens them as a new one. */
export async function takeFiles(list: readonly File[], as: 'files' | 'program'): Promise<void> {
  const { files, problems } = await readTextFiles(list);
  const { store } = programs();
  const before = store.tab();
  if (files.length > 0) {
    const opened = as === 'program' ? programOf(newProgramId(), files, before.program.language) : undefined;
    if (opened !== undefined) {
      store.openNew(opened);
      // A file that was chosen is the person's own: it is saved before an edit.
      edit((program) => ({ ...program }));
      const { id, name } = store.tab().program;
      offerBack(S.opened(name), () => {
        if (store.tab().program.id === id) store.goBack(before);
        removeQuietly(id);
      });
    } else {
      edit((program) => withFiles(program, files));
      const added = store.tab().program.files.find(({ name }) => name === files[0]?.name);
      if (added !== undefined) showFile(added.id);
      offerUndo(S.filesAdded(files.map(({ name }) => name)), () => store.restoreContent(before));
    }
  }
  if (problems.length > 0) showToast({ text: problems.join(' '), kind: 'error', timeoutMs: PROBLEMS_MS });
}

/** A page that shows nothing of the person's own: dropped files open as a program. */
export function hasOwnProgram(): boolean {
  const { isEdited, rev } = programs().store.tab();
  return isEdited || rev !== '';
}

/** The page's URL with the whole program in its fragment, which is never sent to a server. */
export async function programLink(): Promise<string> {
  const url = new URL(window.location.href);
  const { program } = programs().store.tab();
  url.hash = await toFragment({ ...toShared(program), name: program.name });
  return url.href;
}

const NEW_CHAT_DRAFT = 'draft:new';

/** Puts the program and its output at the end of what this tab has written for a new chat. */
export async function draftQuestion(): Promise<void> {
  const { store, runs } = programs();
  const { program } = store.tab();
  await appendToDraft(NEW_CHAT_DRAFT, messageAbout(program, runs.of(program.id)));
}
