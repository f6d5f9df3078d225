import { beforeEach, describe, expect, it, vi } from 'vitest';
import { shortHash } from '#lib/browser/cookies';
import { SAMPLES } from '#lib/languages/samples';
import { webStorage } from '../../test/support/web-storage.ts';
import { emptyProgram, exampleProgram, freeName, type NamedProgram } from './program.ts';
import { MAX_PROGRAMS, ProgramStorage } from './program-storage.ts';
import { type Notice, ProgramStore } from './program-store.ts';
import { FIRST_TAB } from './tab.ts';
import { newFile } from './workspace.ts';

let local: Storage;
let count = 0;
const newId = () => `id${++count}`;

beforeEach(() => {
  local = webStorage();
});

/** Opens a tab, or reloads the one that had `session`. */
function openTab(session = webStorage(), { isBlocked = false } = {}) {
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

describe('a deletion that is undone after another tab saved the program again', () => {
  it('loses neither text', () => {
    const a = openTab();
    a.write('of a');
    const { id } = a.tab.tab().program;
    const d = openTab();
    const undo = a.tab.delete(id, () => emptyProgram(newId(), 'python'));
    d.hear();
    d.write('of d');
    undo();
    a.write('of a, later');
    expect(listed().map(([, text]) => text)).toEqual(expect.arrayContaining(['of a, later', 'of d']));
  });
});

describe('a copy', () => {
  it('has new files: the editor shows the original again after an undo', () => {
    const { tab, write, text } = openTab();
    const before = tab.tab();
    tab.duplicate();
    expect(tab.tab().program.files[0].id).not.toBe(before.program.files[0].id);
    write('of the copy');
    tab.goBack(before);
    expect(text()).toBe(textOf(before.program));
    expect(tab.tab().file).toBe(before.file);
  });
});

describe('a tab that is shown again with earlier texts', () => {
  it('has new files: the editor knows a file by its id', () => {
    const { tab, write, text } = openTab();
    tab.openNew({ ...emptyProgram('a', 'python'), files: [newFile('main.py', 'one'), newFile('util.py', 'u')] });
    tab.showFile(tab.tab().program.files[1]?.id ?? 0);
    const before = tab.tab();
    write('two');
    tab.restore(before);
    const { program, file } = tab.tab();
    expect(text()).toBe('one');
    expect(program.files[0].id).not.toBe(before.program.files[0].id);
    expect(program.files.find(({ id }) => id === file)?.name).toBe('util.py');
  });
});

describe('a save that is not possible', () => {
  /** Fills the list but for `free` programs. */
  const fill = (free: number) => {
    const filled = new ProgramStorage(local, newId);
    for (let index = 0; index < MAX_PROGRAMS - free; index += 1) {
      filled.save({ ...emptyProgram(`p${index}`, 'go'), name: `${index}` }, '', index);
    }
  };

  it('keeps a deleted program that is wanted back, as one that is not saved', () => {
    fill(1);
    const { tab, write, text, notices } = openTab();
    tab.openNew(emptyProgram('mine', 'python'));
    write('mine');
    const undo = tab.delete('mine', () => emptyProgram(newId(), 'python'));
    tab.openNew(emptyProgram(newId(), 'python'));
    write('another');
    undo();
    expect(text()).toBe('mine');
    expect(tab.tab()).toMatchObject({ rev: '', problem: 'too-many' });
    expect(notices).toEqual([{ type: 'problem', problem: 'too-many' }]);
    tab.delete('p0', () => emptyProgram(newId(), 'python'));
    write('mine, later');
    expect(tab.tab().problem).toBeUndefined();
    expect(listed()).toContainEqual(['Untitled Python', 'mine, later']);
  });

  it('opens a deleted program that was not shown and is wanted back', () => {
    fill(0);
    const { tab, notices, write } = openTab();
    const undo = tab.delete('p7', () => emptyProgram(newId(), 'python'));
    tab.openNew(emptyProgram(newId(), 'python'));
    write('another');
    undo();
    expect(tab.tab()).toMatchObject({ program: { id: 'p7', name: '7' }, problem: 'too-many' });
    expect(notices).toEqual([{ type: 'problem', problem: 'too-many' }]);
    expect(listed()).toHaveLength(MAX_PROGRAMS);
  });

  it('is named if another program was renamed', () => {
    fill(90);
    const { tab, notices } = openTab();
    tab.rename('p0', 'A');
    expect(notices).toEqual([]);
    vi.spyOn(local, 'setItem').mockImplementation(() => {
      throw new DOMException('full', 'QuotaExceededError');
    });
    tab.rename('p0', 'B');
    expect(notices).toEqual([{ type: 'not-renamed', name: 'A' }]);
  });

  it('is named, and the program can be returned to', () => {
    local = webStorage({ characters: 400 });
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
    const { tab, write } = openTab(webStorage(), { isBlocked });
    tab.openNew(emptyProgram(newId(), 'python'));
    write('one more');
    expect(tab.tab().problem).toBe(problem);
    expect(listed()).toHaveLength(MAX_PROGRAMS);
  });
});

describe('a key', () => {
  it('reads no other program', () => {
    const { tab, write, saved } = openTab();
    for (let index = 0; index < 90; index += 1) saved.save(emptyProgram(`p${index}`, 'go'), '', index);
    write('x');
    const getItem = vi.spyOn(local, 'getItem');
    write('xy');
    expect(getItem.mock.calls.length).toBeLessThan(4);
    expect(tab.tab().problem).toBeUndefined();
  });

  it('is refused once another tab has filled the storage', () => {
    const { tab, write } = openTab();
    write('x');
    write('xy');
    const other = new ProgramStorage(local, newId);
    other.save({ ...emptyProgram('large', 'go'), stdin: 'x'.repeat(2_499_000) }, '', 1);
    tab.onStored('program:large');
    write('y'.repeat(2_000));
    expect(tab.tab().problem).toBe('full');
    tab.delete('large', () => emptyProgram(newId(), 'python'));
    write('y'.repeat(2_001));
    expect(tab.tab().problem).toBeUndefined();
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
    local = webStorage({ characters: 20 });
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
