import { beforeEach, expect, it, vi } from 'vitest';
import { takeToasts } from '#lib/browser/toasts';
import { webStorage } from '../../test/support/web-storage.ts';
import { ProgramStorage } from './program-storage.ts';
import { ProgramStore } from './program-store.ts';

const held = vi.hoisted(() => ({ programs: undefined as unknown }));
vi.mock('./programs.ts', () => ({
  programs: () => held.programs,
  newProgramId: () => `id${Math.random()}`,
  markOwn() {},
}));

const { addFile, deleteFile, deleteProgram, newProgram } = await import('./program-actions.ts');

let storage: ProgramStorage;
let store: ProgramStore;
let count = 0;

beforeEach(() => {
  takeToasts();
  storage = new ProgramStorage(webStorage(), () => `rev${++count}`);
  openStore();
});

function openStore(): void {
  store = new ProgramStore({
    ...{ storage, session: undefined, newId: () => `id${++count}`, now: () => ++count },
    ...{ notify() {}, onFirstSave() {}, onMove() {}, makeRoom() {} },
  });
  held.programs = { storage, store, runs: { remove: () => () => undefined } };
}

/** Clicks every toast that none of the later ones replaces. */
function undoAll(): void {
  const toasts = takeToasts();
  const shown = toasts.filter(({ id }, index) => id === undefined || !toasts.slice(index + 1).some((t) => t.id === id));
  for (const { action } of shown.toReversed()) action?.run();
}

it('brings back each of two programs that were deleted shortly after one another', () => {
  const ids = ['python', 'go', 'rust'].map((language) => {
    newProgram(language as 'go');
    store.edit((program) => ({ ...program }));
    return store.tab().program.id;
  });
  takeToasts();
  for (const id of ids.slice(0, 2)) deleteProgram(id);
  expect(storage.list()).toHaveLength(1);
  undoAll();
  expect(storage.list()).toHaveLength(3);
});

it('brings back each of two files that were deleted shortly after one another', () => {
  for (const name of ['a.py', 'b.py']) addFile(name);
  for (const { id } of store.tab().program.files.slice(1)) deleteFile(id);
  expect(store.tab().program.files).toHaveLength(1);
  undoAll();
  expect(store.tab().program.files.map(({ name }) => name)).toEqual([expect.any(String), 'a.py', 'b.py']);
});

it('brings back a deleted file of a program that was never saved, and the program with it', () => {
  storage = new ProgramStorage(webStorage({ characters: 0 }), () => `rev${++count}`);
  openStore();
  addFile('data.txt');
  const { program } = store.tab();
  deleteFile(store.tab().file);
  const undo = takeToasts().at(-1)?.action?.run;
  newProgram('go');
  undo?.();
  expect(store.tab().program.name).toBe(program.name);
  expect(store.tab().program.files.map(({ name }) => name)).toEqual(['main.py', 'data.txt']);
});

it('brings back a deleted file of a program that was deleted meanwhile, as its own program', () => {
  addFile('data.txt');
  const { name } = store.tab().program;
  deleteFile(store.tab().file);
  const undo = takeToasts().at(-1)?.action?.run;
  deleteProgram(store.tab().program.id);
  // Another program has taken the name.
  const other = store.tab().program;
  store.edit((program) => ({ ...program, name }));
  undo?.();
  expect(store.tab().program.name).toBe(`${name} 2`);
  expect(store.tab().program.files.map((file) => file.name)).toEqual(['main.py', 'data.txt']);
  expect(storage.list().map(({ program }) => program.id)).toContain(other.id);
  expect(storage.list()).toHaveLength(2);
});
