import { beforeEach, describe, expect, it } from 'vitest';
import { shortHash } from '#lib/browser/cookies';
import { SAMPLES } from '#lib/languages/samples';
import { emptyProgram, exampleProgram, freeName, type NamedProgram } from './program.ts';
import { MAX_PROGRAMS, ProgramStorage } from './program-storage.ts';
import { FIRST_TAB, type Notice, ProgramStore } from './program-store.ts';
import { newFile } from './workspace.ts';

function storage(most = Number.POSITIVE_INFINITY): Storage {
  const texts = new Map<string, string>();
  return {
    get length() {
      return texts.size;
    },
    key: (index) => [...texts.keys()][index] ?? null,
    getItem: (key) => texts.get(key) ?? null,
    setItem: (key, value) => {
      if (value.length > most) throw new DOMException('full', 'QuotaExceededError');
      texts.set(key, value);
    },
    removeItem: (key) => void texts.delete(key),
    clear: () => texts.clear(),
  };
}

let local: Storage;
let count = 0;
const newId = () => `id${++count}`;

beforeEach(() => {
  local = storage();
});

/** Opens a tab, or reloads the one that had `session`. */
function openTab(session = storage(), { isBlocked = false } = {}) {
  const notices: Notice[] = [];
  const saved = new ProgramStorage(isBlocked ? undefined : local, newId);
  const tab = new ProgramStore({
    ...{ storage: saved, session, newId, now: () => ++count, notify: (notice) => void notices.push(notice) },
    ...{ onFirstSave() {}, onMove() {}, makeRoom() {} },
  });
  const write = (text: string) =>
    tab.edit((program) => {
      const [main, ...others] = program.files;
      return { ...program, files: [{ ...main, content: text }, ...others] };
    });
  const text = () => tab.tab().program.files[0].content;
  const hear = () => tab.onStored(`program:${tab.tab().program.id}`);
  return { session, saved, notices, tab, write, text, hear, name: () => tab.tab().program.name };
}

const listed = () => new ProgramStorage(local, newId).list().map(({ program }) => [program.name, textOf(program)]);
const textOf = (program: NamedProgram) => program.files[0].content;

describe('a program', () => {
  it('is saved with its first edit and not before', () => {
    const { tab, write } = openTab();
    expect(tab.tab()).toBe(FIRST_TAB);
    tab.openNew(emptyProgram('a', 'python'));
    expect(listed()).toEqual([]);
    write('x');
    expect(listed()).toEqual([['Untitled Python', 'x']]);
    tab.openNew(emptyProgram('b', 'python'));
    write('y');
    expect(listed()).toEqual([
      ['Untitled Python 2', 'y'],
      ['Untitled Python', 'x'],
    ]);
  });

  it('keeps input, arguments, time limit and files across a reload', () => {
    const { tab, session } = openTab();
    tab.edit((program) => ({
      ...program,
      ...{ stdin: 'in', args: '-v', timeout: 30 },
      files: [program.files[0], newFile('util.py', 'u')],
    }));
    const shown = tab.tab().program.files[1]?.id ?? 0;
    tab.showFile(shown);
    for (const again of [openTab(session), openTab()])
      expect(again.tab.tab().program).toMatchObject({ stdin: 'in', args: '-v', timeout: 30 });
    const { program, file } = openTab(session).tab.tab();
    expect(program.files.find(({ id }) => id === file)).toMatchObject({ name: 'util.py', content: 'u' });
  });

  it('is written after a pause if it is large, and at once when the page goes', () => {
    const { tab, write } = openTab();
    write('x'.repeat(20_000));
    expect(listed()).toEqual([]);
    tab.flush();
    expect(listed()).toHaveLength(1);
  });
});

describe('an example', () => {
  it('opens as a new program and leaves the own one as it was', () => {
    const { tab, write, text } = openTab();
    write('mine');
    const before = tab.tab();
    tab.openNew(exampleProgram('e', 'python', SAMPLES.python[1] ?? SAMPLES.python[0]));
    expect(listed()).toEqual([['Prime numbers', 'mine']]);
    write('changed');
    tab.goBack(before);
    expect(text()).toBe('mine');
    expect(listed()).toHaveLength(2);
  });
});

describe('a link', () => {
  it('leaves nothing behind unless it is edited', () => {
    const { tab, write, session, text } = openTab();
    write('mine');
    tab.openShared({ language: 'go', code: 'linked', name: 'Theirs' });
    expect(tab.tab()).toMatchObject({ isLink: true, rev: '' });
    expect(listed()).toEqual([['Prime numbers', 'mine']]);
    expect(openTab(session).text()).toBe('linked');
    expect(openTab().text()).toBe('mine');
    write('linked, then mine');
    expect(tab.tab().isLink).toBe(false);
    expect(listed()).toEqual([
      ['Theirs', 'linked, then mine'],
      ['Prime numbers', 'mine'],
    ]);
    tab.openShared({ language: 'go', code: 'linked, then mine' });
    expect(tab.tab().isLink).toBe(false);
    expect(text()).toBe('linked, then mine');
  });
});

describe('two tabs on one program', () => {
  it('follow one another as long as only one of them is edited', () => {
    const a = openTab();
    a.write('one');
    const d = openTab();
    expect(d.text()).toBe('one');
    a.write('two');
    d.hear();
    expect(d.text()).toBe('two');
    expect(d.notices).toEqual([]);
    expect(listed()).toHaveLength(1);
  });

  it('keep both versions if both are edited', () => {
    const a = openTab();
    a.write('of a');
    const d = openTab();
    d.write('of d');
    a.hear();
    expect(a.text()).toBe('of a');
    expect(a.notices).toMatchObject([{ type: 'changed-elsewhere', name: 'Prime numbers', copy: 'Prime numbers copy' }]);
    expect(openTab(a.session).text()).toBe('of a');
    expect(openTab(d.session).text()).toBe('of d');
    expect(listed().sort()).toEqual([
      ['Prime numbers copy', 'of a'],
      ['Prime numbers', 'of d'],
    ]);
  });

  it('lose nothing if the change is noticed only by the next save, or after a reload', () => {
    const a = openTab();
    a.write('of a');
    const d = openTab();
    d.write('of d');
    const reloaded = openTab(a.session);
    expect(reloaded.text()).toBe('of a');
    a.write('of a, later');
    expect(listed().map(([, text]) => text)).toEqual(expect.arrayContaining(['of a', 'of a, later', 'of d']));
  });

  it('take over a new name without a copy', () => {
    const a = openTab();
    a.write('one');
    const d = openTab();
    d.tab.rename(d.tab.tab().program.id, 'Sieve');
    a.hear();
    expect(a.name()).toBe('Sieve');
    a.write('two');
    expect(listed()).toEqual([['Sieve', 'two']]);
  });

  it('save a program again that the other one has deleted, with the next edit', () => {
    const a = openTab();
    a.write('one');
    const d = openTab();
    d.tab.delete(d.tab.tab().program.id, () => emptyProgram(newId(), 'python'));
    a.hear();
    expect(a.notices).toEqual([{ type: 'deleted-elsewhere', name: 'Prime numbers' }]);
    expect(listed()).toEqual([]);
    a.write('two');
    expect(listed()).toEqual([['Prime numbers', 'two']]);
  });
});

describe('deleting', () => {
  it('shows the latest other program, and is undone', () => {
    const { tab, write, text } = openTab();
    write('first');
    tab.openNew(emptyProgram(newId(), 'rust'));
    write('second');
    const undo = tab.delete(tab.tab().program.id, () => emptyProgram(newId(), 'python'));
    expect(text()).toBe('first');
    expect(listed()).toHaveLength(1);
    undo();
    expect(text()).toBe('second');
    expect(listed()).toHaveLength(2);
    write('second, later');
    expect(listed()).toHaveLength(2);
  });
});

describe('a save that is not possible', () => {
  it('is named, and the program can be returned to', () => {
    local = storage(400);
    const { tab, write, notices, text } = openTab();
    write('x'.repeat(500));
    expect(tab.tab().problem).toBe('full');
    write(`${'x'.repeat(500)}y`);
    expect(notices).toEqual([{ type: 'problem', problem: 'full' }]);
    tab.openNew(emptyProgram(newId(), 'python'));
    const left = notices[1];
    if (left?.type !== 'left-unsaved') throw new Error('no notice');
    tab.restore(left.tab);
    expect(text()).toMatch(/y$/);
    write('small');
    expect(tab.tab().problem).toBeUndefined();
  });

  it.each([
    ['too-many', false],
    ['blocked', true],
  ] as const)('is refused without removing another program: %s', (problem, isBlocked) => {
    const filled = new ProgramStorage(local, newId);
    for (let index = 0; index < MAX_PROGRAMS; index += 1)
      filled.save({ ...emptyProgram(`p${index}`, 'go'), name: `${index}` }, '', index);
    const { tab, write } = openTab(storage(), { isBlocked });
    tab.openNew(emptyProgram(newId(), 'python'));
    write('one more');
    expect(tab.tab().problem).toBe(problem);
    expect(listed()).toHaveLength(MAX_PROGRAMS);
  });
});

describe('what earlier versions stored', () => {
  it('becomes a program per language, once, without loss', () => {
    local.setItem('playground:language', 'go');
    local.setItem('playground:go', 'package mine');
    local.setItem('playground:python', 'mine');
    local.setItem('playground:python:files', '[{"name":"util.py","content":"x = 1"}]');
    local.setItem('playground:rust', SAMPLES.rust[0].code);
    for (let time = 0; time < 2; time += 1) new ProgramStorage(local, newId).takeOverOld(1, shortHash);
    expect(listed().sort()).toEqual([
      ['Untitled Go', 'package mine'],
      ['Untitled Python', 'mine'],
    ]);
    expect(openTab().text()).toBe('package mine');
    const python = new ProgramStorage(local, newId).list().find(({ program }) => program.language === 'python');
    expect(python?.program.files[1]).toMatchObject({ name: 'util.py', content: 'x = 1' });
    expect(local.getItem('playground:python')).toBeNull();
  });

  it('stays where it is if it cannot be saved', () => {
    local = storage(20);
    local.setItem('playground:python', 'mine');
    new ProgramStorage(local, newId).takeOverOld(1, shortHash);
    expect(local.getItem('playground:python')).toBe('mine');
  });
});

describe('a stored program', () => {
  it('is left out if it is damaged, and survives next to the others', () => {
    openTab().write('mine');
    for (const text of ['', 'x', '1\n{', '1\n{"language":"cobol"}']) local.setItem('program:broken', text);
    expect(listed()).toEqual([['Prime numbers', 'mine']]);
  });

  it('has a free name', () => {
    expect(freeName('A', ['B'])).toBe('A');
    expect(freeName('A', ['A', 'A 2'])).toBe('A 3');
  });
});
