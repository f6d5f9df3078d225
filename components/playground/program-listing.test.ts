import { expect, it } from 'vitest';
import { emptyProgram } from './program.ts';
import { languageText, listPrograms } from './program-listing.ts';
import { FIRST_TAB } from './tab.ts';

it('the program of the tab is listed first while it is not saved', () => {
  const saved = [{ program: emptyProgram('a', 'go'), rev: '1', editedAt: 5 }];
  const listed = listPrograms(saved, FIRST_TAB);
  expect(listed.map(({ program }) => program.id)).toEqual(['first', 'a']);
  expect(listed.map(languageText)).toEqual(['Python · not saved yet', 'Go']);
  const [stored] = saved;
  const tab = { ...FIRST_TAB, program: { ...FIRST_TAB.program, id: 'a' } };
  expect(listPrograms(saved, tab)).toEqual([stored]);
});
