import { findLanguageInfo } from '#lib/languages/infos';
import type { LanguageId } from '#lib/wire/code';
import type { SharedProgram } from '../code-run/program-link.ts';
import { FIRST_PROGRAM, freeName, type NamedProgram, untitled } from './program.ts';
import { type ProgramStorage, programKey, type SaveOutcome } from './program-storage.ts';
import { PROGRAM_STRINGS as S } from './strings.ts';
import { FIRST_TAB, isShownOtherwise, readTab, type SaveProblem, type Tab, withNewFiles, writeTab } from './tab.ts';
import { fromShared, hasSameContent, withNewIds } from './workspace.ts';

export type Notice =
  /** Another tab changed the program. What was written in this tab is a copy now. */
  | { type: 'changed-elsewhere'; id: string; name: string; copy: string }
  | { type: 'deleted-elsewhere'; name: string }
  | { type: 'problem'; problem: SaveProblem }
  | { type: 'not-renamed'; name: string }
  /** A program that could not be saved was left. `tab` brings it back. */
  | { type: 'left-unsaved'; tab: Tab };

interface StoreEnvironment {
  storage: ProgramStorage;
  session: Storage | undefined;
  newId: () => string;
  now: () => number;
  notify: (notice: Notice) => void;
  /** The program was saved for the first time. */
  onFirstSave: (id: string) => void;
  /** The program of this tab goes on under another id. */
  onMove: (from: string, to: string) => void;
  /** Frees storage. */
  makeRoom: () => void;
}

/** Storing costs time proportional to the length: large programs are stored after a pause. */
const LARGE_CHARACTERS = 16_384;
const STORED_AFTER_MS = 500;

/**
 * The program of this tab, as an external store. A program is saved from its first edit on; an
 * example or a link that was only looked at is not. `sessionStorage` has the tab's own program.
 */
export class ProgramStore {
  readonly #env: StoreEnvironment;
  readonly #listeners = new Set<() => void>();
  #tab: Tab;
  #changes = 0;
  #pending: ReturnType<typeof setTimeout> | undefined;

  constructor(env: StoreEnvironment) {
    this.#env = env;
    this.#tab = FIRST_TAB;
    this.#resume();
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly tab = (): Tab => this.#tab;

  /** Grows with each change of this tab or of the list of programs. */
  changes(): number {
    return this.#changes;
  }

  /** Changes the program and saves it. */
  edit(change: (before: NamedProgram) => NamedProgram): void {
    const { program, rev } = this.#tab;
    let next = change(program);
    if (next === program) return;
    if (rev === '' && !this.#tab.isEdited) next = { ...next, name: freeName(next.name, this.#env.storage.names()) };
    const file = next.files.some(({ id }) => id === this.#tab.file) ? this.#tab.file : next.files[0].id;
    this.#tab = { ...this.#tab, program: next, file, isEdited: true, isLink: false };
    if (sizeOf(next) <= LARGE_CHARACTERS) this.#save();
    else this.#pending ??= setTimeout(() => this.flush(), STORED_AFTER_MS);
    this.#notify();
  }

  showFile(id: number): void {
    if (id === this.#tab.file) return;
    this.#tab = { ...this.#tab, file: id };
    this.#storeTab();
    this.#notify();
  }

  /** Writes what waits. Call it when the page may go. */
  flush(): void {
    if (this.#pending === undefined) return;
    this.#save();
    this.#notify();
  }

  /** Opens a program that is not saved before its first edit. */
  openNew(program: NamedProgram, { isLink = false } = {}): void {
    const name = freeName(program.name, this.#env.storage.names());
    this.restore({ ...FIRST_TAB, program: { ...program, name }, isLink, file: program.files[0].id });
  }

  /** Opens a link, unless this tab shows that very program. */
  openShared(shared: SharedProgram): void {
    const language = findLanguageInfo(shared.language)?.id ?? FIRST_PROGRAM.language;
    const program: NamedProgram = {
      ...fromShared(shared, language),
      id: this.#env.newId(),
      name: shared.name?.trim() || untitled(language),
      example: undefined,
    };
    if (hasSameContent(program, this.#tab.program)) return;
    this.openNew(program, { isLink: true });
  }

  /** False if the program is not saved here. */
  open(id: string): boolean {
    if (id === this.#tab.program.id) return true;
    const stored = this.#env.storage.read(id);
    if (stored === undefined) return false;
    const { program, rev } = stored;
    this.restore({ ...FIRST_TAB, program, rev, file: program.files[0].id });
    return true;
  }

  /** The program of a language that was last edited, if any is saved. */
  openLatest(language: LanguageId): boolean {
    const latest = this.#env.storage.list().find(({ program }) => program.language === language);
    return latest !== undefined && this.open(latest.program.id);
  }

  /** Shows the program of `tab`. */
  restore(tab: Tab): void {
    this.flush();
    const left = this.#tab;
    this.#tab = isShownOtherwise(tab, left) ? withNewFiles(tab) : tab;
    if (tab.rev !== '') {
      this.#env.storage.setLast(tab.program.id);
      this.#readAgain();
    }
    this.#storeTab();
    this.#notify();
    if (left.problem !== undefined && left.program.id !== tab.program.id)
      this.#env.notify({ type: 'left-unsaved', tab: left });
  }

  /** Undoes edits: the program is again as it was in `before`. The editor sees new files. */
  restoreContent(before: Tab): void {
    if (!this.open(before.program.id)) {
      this.restore(before);
      return;
    }
    const file = Math.max(
      0,
      before.program.files.findIndex(({ id }) => id === before.file),
    );
    this.edit(({ name }) => ({ ...before.program, name, files: withNewIds(before.program.files) }));
    this.showFile((this.#tab.program.files[file] ?? this.#tab.program.files[0]).id);
  }

  /** Opens what the tab showed before: as it is saved by now, or as it was left. */
  goBack(tab: Tab): void {
    if (tab.rev === '' || tab.problem !== undefined || !this.open(tab.program.id)) this.restore(tab);
  }

  /** Saves a copy and opens it. Returns its name. The editor sees new files. */
  duplicate(): string {
    const { program } = this.#tab;
    const name = freeName(S.copyOf(program.name), this.#env.storage.names());
    this.openNew({ ...program, id: this.#env.newId(), name, files: withNewIds(program.files) });
    this.edit((copy) => ({ ...copy }));
    return name;
  }

  /** Renames any saved program, or the one of this tab. */
  rename(id: string, name: string): void {
    if (id === this.#tab.program.id) this.edit((program) => ({ ...program, name }));
    else {
      const stored = this.#env.storage.read(id);
      const saved = stored && this.#write({ ...stored.program, name }, stored.rev, stored.editedAt);
      if (stored !== undefined && saved?.outcome !== 'saved')
        this.#env.notify({ type: 'not-renamed', name: stored.program.name });
      this.#notify();
    }
  }

  /**
   * Deletes a program. One that this tab shows is replaced by the latest other one, or by
   * `otherwise`. Returns the function that brings it back: not saved, if that is not possible.
   */
  delete(id: string, otherwise: () => NamedProgram): () => void {
    this.flush();
    const before = this.#tab;
    const isShown = id === before.program.id;
    const stored = this.#env.storage.read(id);
    this.#env.storage.remove(id);
    if (isShown) {
      this.#tab = { ...before, problem: undefined };
      const next = this.#env.storage.list()[0];
      if (next === undefined || !this.open(next.program.id)) this.openNew(otherwise());
    }
    this.#notify();
    return () => {
      const saved = stored && this.#write(stored.program, '', stored.editedAt);
      const outcome = saved?.outcome;
      const isLost = outcome === 'full' || outcome === 'too-many' || outcome === 'blocked';
      if (stored !== undefined && isLost) {
        const { program } = stored;
        const again = isShown ? before : { ...FIRST_TAB, program, file: program.files[0].id };
        this.restore({ ...again, rev: '', isEdited: true, problem: outcome });
        this.#env.notify({ type: 'problem', problem: outcome });
      } else if (isShown) {
        const isSame = saved?.outcome === 'saved' && stored?.rev === before.rev;
        this.restore({ ...before, rev: isSame ? saved.rev : before.rev });
      }
      this.#notify();
    };
  }

  /** Another tab wrote `key` of `localStorage`; null: it cleared everything. */
  onStored(key: string | null): void {
    if (key === null || key === programKey(this.#tab.program.id)) this.sync();
    else if (key.startsWith(programKey(''))) {
      this.#env.storage.countAgain();
      this.#notify();
    }
  }

  /** Compares with what is stored, which another tab may have changed. */
  sync(): void {
    this.#env.storage.countAgain();
    if (this.#readAgain()) this.#storeTab();
    this.#notify();
  }

  /** Whether the tab changed. */
  #readAgain(): boolean {
    const { program, rev, isEdited, file } = this.#tab;
    if (rev === '') return false;
    const stored = this.#env.storage.read(program.id);
    if (stored === undefined) {
      this.#tab = { ...this.#tab, rev: '' };
      this.#env.notify({ type: 'deleted-elsewhere', name: program.name });
    } else if (stored.rev === rev) return false;
    else if (hasSameContent(stored.program, program))
      this.#tab = { ...this.#tab, program: { ...program, name: stored.program.name }, rev: stored.rev };
    else if (isEdited) this.#goOnAsCopy(stored.program.name);
    else {
      const shown = program.files.find(({ id }) => id === file)?.name;
      const next = stored.program.files.find(({ name }) => name === shown) ?? stored.program.files[0];
      this.#tab = { ...this.#tab, program: stored.program, rev: stored.rev, file: next.id };
    }
    return true;
  }

  #goOnAsCopy(name: string): void {
    const from = this.#tab.program.id;
    const copy = freeName(S.copyOf(name), this.#env.storage.names());
    const id = this.#env.newId();
    this.#tab = { ...this.#tab, program: { ...this.#tab.program, id, name: copy }, rev: '' };
    this.#env.onMove(from, id);
    this.#save();
    this.#env.notify({ type: 'changed-elsewhere', id: from, name, copy });
  }

  #save(): void {
    clearTimeout(this.#pending);
    this.#pending = undefined;
    const { program, rev } = this.#tab;
    let saved = this.#write(program, rev, this.#env.now());
    if (saved.outcome === 'changed' && hasSameContent(saved.stored.program, program))
      saved = this.#write(program, saved.stored.rev, this.#env.now());
    if (saved.outcome === 'changed') {
      this.#goOnAsCopy(saved.stored.program.name);
      return;
    }
    if (saved.outcome === 'saved') {
      this.#tab = { ...this.#tab, rev: saved.rev, problem: undefined };
      if (rev === '') this.#env.onFirstSave(program.id);
      this.#env.storage.setLast(program.id);
    } else {
      const isNew = this.#tab.problem !== saved.outcome;
      this.#tab = { ...this.#tab, problem: saved.outcome };
      if (isNew) this.#env.notify({ type: 'problem', problem: saved.outcome });
    }
    this.#storeTab();
  }

  /** Saves a program, and frees storage for it if that is full. */
  #write(program: NamedProgram, rev: string, editedAt: number): SaveOutcome {
    const saved = this.#env.storage.save(program, rev, editedAt);
    if (saved.outcome !== 'full') return saved;
    this.#env.makeRoom();
    return this.#env.storage.save(program, rev, editedAt);
  }

  #storeTab(): void {
    writeTab(this.#env.session, this.#tab, this.#env.now());
  }

  /** Continues with the program of this tab before a reload, or with the last one of any tab. */
  #resume(): void {
    const own = readTab(this.#env.session);
    if (own !== undefined) {
      this.#tab = own;
      this.#readAgain();
      return;
    }
    const last = this.#env.storage.last();
    if (last !== undefined)
      this.#tab = { ...FIRST_TAB, program: last.program, rev: last.rev, file: last.program.files[0].id };
  }

  #notify(): void {
    this.#changes += 1;
    for (const listener of this.#listeners) listener();
  }
}

function sizeOf({ files, stdin }: NamedProgram): number {
  return files.reduce((sum, { content }) => sum + content.length, stdin.length);
}
