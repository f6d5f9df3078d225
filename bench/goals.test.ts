import { expect, it } from 'vitest';
import { GOALS, goalsIndex } from './goals.ts';
import { BENCHMARKS } from './tables.ts';

const names = BENCHMARKS.map(({ name }) => name);

it('gives no two tables one name', () => {
  expect(names).toEqual([...new Set(names)]);
});

it('names only tables that exist, and each of them', () => {
  expect([...new Set(GOALS.flatMap(({ tables }) => tables))].toSorted()).toEqual(names.toSorted());
});

it('says why a goal is not measured', () => {
  for (const { tables, note, what } of GOALS) if (tables.length === 0) expect(note, what).toBeTruthy();
});

it('prints a line for each goal', () => {
  expect(goalsIndex(GOALS).split('\n')).toHaveLength(GOALS.length + 2);
});
