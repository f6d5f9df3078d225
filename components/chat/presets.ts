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

export function presetsToText(presets: readonly Preset[]): string {
  return presets.length === 0 ? '' : JSON.stringify(presets);
}
