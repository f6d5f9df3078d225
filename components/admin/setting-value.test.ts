import { expect, it } from 'vitest';
import type { RuntimeSetting } from '#lib/wire/people-admin';
import { choiceName, defaultText, readSetting, settingText } from './setting-value.ts';

it.each([
  ['number', '10,000', 10_000],
  ['number', '1.5', 1.5],
  ['number', 'many', undefined],
  ['number', ' ', null],
  ['text', '', null],
  ['text', 'qwen3:8b', 'qwen3:8b'],
  ['boolean', 'true', true],
  ['boolean', 'false', false],
] as const)('reads a %s %j as %j', (kind, text, value) => {
  expect(readSetting({ kind }, text)).toBe(value);
});

it('shows no value as an empty field', () => {
  expect([null, 0, false, 'x'].map(settingText)).toEqual(['', '0', 'false', 'x']);
});

it('describes defaults', () => {
  const setting: Omit<RuntimeSetting, 'kind' | 'default'> = {
    ...{ name: 'X', group: '', label: '', description: '', value: null },
    ...{ source: 'default', locked: false, changed_by: null, changed_at: null },
  };
  expect(defaultText({ ...setting, kind: 'number', default: 20, unit: 'requests' })).toBe('20 requests');
  expect(defaultText({ ...setting, kind: 'boolean', default: true })).toBe('On');
  expect(defaultText({ ...setting, kind: 'text', default: null })).toBe('none');
  const names = { open: 'Everyone' };
  expect(defaultText({ ...setting, kind: 'choice', default: 'open', choice_names: names })).toBe('Everyone');
  expect(choiceName({ choice_names: names }, 'closed')).toBe('closed');
});
