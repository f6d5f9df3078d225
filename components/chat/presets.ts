import { hasShape, parseJson } from '#lib/browser/type-guards';
import type { ChatSettings } from './conversation.ts';
import { toSettings } from './settings-storage.ts';

/** Settings with a name, kept in this browser. */
export interface Preset {
  id: string;
  name: string;
  settings: ChatSettings;
}

export const MAX_PRESETS = 50;
export const MAX_PRESET_NAME = 60;
/** Far below the 5 MB that browsers store for a site. */
export const MAX_PRESETS_CHARACTERS = 500_000;

const isPreset = hasShape<{ id: string; name: string; settings: object }>({
  id: 'string',
  name: 'string',
  settings: 'object',
});

export function presetsFromText(text: string): Preset[] {
  const list = parseJson(text);
  if (!Array.isArray(list)) return [];
  const entries: unknown[] = list;
  return entries.slice(0, MAX_PRESETS).flatMap((entry) => {
    if (!isPreset(entry)) return [];
    const settings = toSettings(entry.settings);
    return settings === undefined ? [] : [{ id: entry.id, name: entry.name, settings }];
  });
}

/** Replaces the preset with the same id, or adds it, at `index` if that is given. */
export function withPreset(presets: readonly Preset[], preset: Preset, index = presets.length): Preset[] {
  const isKnown = presets.some(({ id }) => id === preset.id);
  return isKnown ? presets.map((old) => (old.id === preset.id ? preset : old)) : presets.toSpliced(index, 0, preset);
}

export function withoutPreset(presets: readonly Preset[], presetId: string): Preset[] {
  return presets.filter(({ id }) => id !== presetId);
}

/** Gives the preset these settings, unless it was deleted. Its name stays. */
export function withSettings(presets: readonly Preset[], presetId: string, settings: ChatSettings): Preset[] {
  return presets.map((preset) => (preset.id === presetId ? { ...preset, settings } : preset));
}

export function presetsToText(presets: readonly Preset[]): string {
  return presets.length === 0 ? '' : JSON.stringify(presets);
}
