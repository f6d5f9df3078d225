import { describe, expect, it } from 'vitest';
import { NO_SETTINGS } from './conversation.ts';
import { MAX_PRESETS, presetsFromText, presetsToText } from './presets.ts';
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

it('reads presets, skips damaged ones and bounds their number', () => {
  const preset = { id: '1', name: 'Brief', settings: { systemPrompt: 'Be brief.', sampling: {} } };
  expect(presetsFromText(presetsToText([preset]))).toEqual([preset]);
  expect(presetsFromText(JSON.stringify([{ id: 1 }, preset, null]))).toEqual([preset]);
  expect(presetsFromText(JSON.stringify(Array(MAX_PRESETS + 5).fill(preset)))).toHaveLength(MAX_PRESETS);
  expect(presetsFromText('')).toEqual([]);
});
