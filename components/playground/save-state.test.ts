import { afterEach, expect, it, vi } from 'vitest';
import { webStorage } from '../../test/support/web-storage.ts';
import { emptyProgram } from './program.ts';
import { ProgramStorage } from './program-storage.ts';
import { ProgramStore } from './program-store.ts';
import { hasNewRevision, type SaveState, saveStateOf } from './save-state.ts';

afterEach(() => void vi.useRealTimers());

/** A tab, and the states that it went through. */
function openTab(local = webStorage()) {
  let count = 0;
  const newId = () => `id${++count}`;
  const store = new ProgramStore({
    ...{ storage: new ProgramStorage(local, newId), session: undefined, newId, now: () => ++count },
    ...{ notify() {}, onFirstSave() {}, onMove() {}, makeRoom() {} },
  });
  let saved = store.tab();
  const states: SaveState[] = [saveStateOf(saved, saved)];
  store.subscribe(() => {
    if (hasNewRevision(store.tab(), saved)) saved = store.tab();
    const state = saveStateOf(store.tab(), saved);
    if (state !== states.at(-1)) states.push(state);
  });
  const write = (stdin: string) => store.edit((program) => ({ ...program, stdin }));
  return { store, states, write };
}

it('a program is not saved before its first edit, and saved with it', () => {
  const { store, states, write } = openTab();
  write('a');
  store.showFile(-1);
  write('b');
  expect(states).toEqual(['unsaved', 'saved']);
  store.openNew(emptyProgram('new', 'go'));
  expect(states).toEqual(['unsaved', 'saved', 'unsaved']);
});

it('a large program is being saved until the pause in which it is', () => {
  vi.useFakeTimers();
  const { states, write } = openTab();
  const large = 'x'.repeat(20_000);
  for (const text of [large, `${large}y`]) {
    write(text);
    expect(states.at(-1)).toBe('saving');
    vi.runAllTimers();
    expect(states.at(-1)).toBe('saved');
  }
});

it('a program that does not fit is not saved until it does', () => {
  const { states, write } = openTab(webStorage({ characters: 3000 }));
  write('x'.repeat(4000));
  write('x');
  expect(states).toEqual(['unsaved', 'failed', 'saved']);
});
