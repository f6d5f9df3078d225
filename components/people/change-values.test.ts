import { expect, it } from 'vitest';
import { changeWords } from './change-values.ts';

const line = (field: string, before: string | number | boolean | null, after: string | number | boolean | null) => {
  const words = changeWords({ field, before, after });
  return `${words.label}: ${words.before} → ${words.after}`;
};

it('has a line with the old and the new value', () => {
  expect(line('parameters.temperature', 0.7, 0.9)).toBe('Temperature: 0.7 → 0.9');
  expect(line('parameters.num_ctx', null, 8192)).toBe('Context (tokens): none → 8,192');
  expect(line('role', 'member', 'manager')).toBe('Role: Member → Manager');
  expect(line('hidden', null, true)).toBe('Hidden: no → yes');
  expect(line('tokens_per_day', 10_000, null)).toBe('Tokens a day: 10,000 → none');
  expect(line('tokens_per_day.kind', 'share', 'hard')).toBe('Tokens a day (over it): share → hard limit');
});

it('names a field that it does not know', () => {
  expect(line('some_field', 'a', 'b')).toBe('some field: a → b');
});

it('folds long texts and those of several lines', () => {
  const isLong = (after: string) => changeWords({ field: 'system_prompt', before: null, after }).isLong;
  expect(isLong('Be short.')).toBe(false);
  expect(isLong('Be short.\nBe kind.')).toBe(true);
  expect(isLong('x'.repeat(200))).toBe(true);
});
