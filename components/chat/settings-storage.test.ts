import { describe, expect, it } from 'vitest';
import { NO_SETTINGS } from './conversation.ts';
import { MAX_PRESETS, presetsFromText, presetsToText, withoutPreset, withPreset, withSettings } from './presets.ts';
import { isSameSettings, settingsFromText, settingsToText } from './settings-storage.ts';

describe('settings as text', () => {
  it('come back as they were', () => {
    const settings = { systemPrompt: 'Be brief.', sampling: { seed: 1, stop: ['END'] }, think: false };
    expect(settingsFromText(settingsToText(settings))).toEqual(settings);
    expect(settingsToText(NO_SETTINGS)).toBe('');
    expect(settingsFromText('')).toBeUndefined();
  });

  it('lose what is not valid', () => {
    const text = JSON.stringify({ systemPrompt: 7, sampling: { seed: '1', top_k: 4, stop: [1] }, think: 'hard' });
    expect(settingsFromText(text)).toEqual({ systemPrompt: '', sampling: { top_k: 4 } });
    expect(settingsFromText('{')).toBeUndefined();
  });
});

it('compares settings without regard to their order', () => {
  const a = { systemPrompt: '', sampling: { seed: 1, top_k: 2 } };
  expect(isSameSettings(a, { systemPrompt: '', sampling: { top_k: 2, seed: 1 }, think: undefined })).toBe(true);
  expect(isSameSettings(a, { ...a, think: false })).toBe(false);
});

it('changes one preset and leaves those of another tab', () => {
  const [one, two, three] = ['1', '2', '3'].map((id) => ({ id, name: id, settings: NO_SETTINGS }));
  if (one === undefined || two === undefined || three === undefined) throw new Error('three are made');
  const settings = { systemPrompt: 'Be brief.', sampling: {} };
  const names = (presets: readonly { name: string }[]) => presets.map(({ name }) => name).join();
  const withOthers = withPreset(withoutPreset([one, two], '1'), three);
  expect(names(withOthers)).toBe('2,3');
  expect(names(withPreset(withOthers, one, 0))).toBe('1,2,3');
  expect(names(withPreset([], one, 4))).toBe('1');
  expect(withSettings([{ ...one, name: 'new' }, two], '1', settings)).toEqual([
    { id: '1', name: 'new', settings },
    two,
  ]);
  expect(withSettings([two], '1', settings)).toEqual([two]);
});

it('reads presets, skips damaged ones and bounds their number', () => {
  const preset = { id: '1', name: 'Brief', settings: { systemPrompt: 'Be brief.', sampling: {} } };
  expect(presetsFromText(presetsToText([preset]))).toEqual([preset]);
  expect(presetsFromText(JSON.stringify([{ id: 1 }, preset, null]))).toEqual([preset]);
  expect(presetsFromText(JSON.stringify(Array(MAX_PRESETS + 5).fill(preset)))).toHaveLength(MAX_PRESETS);
  expect(presetsFromText('')).toEqual([]);
});
