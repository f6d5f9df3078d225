import { hasShape, isRecord, parseJson } from '#lib/browser/type-guards';
import type { Think } from '#lib/wire/chat';
import { NUMBER_FIELDS, type NumberField } from './chat-options.ts';
import { type ChatSettings, NO_SETTINGS, type Sampling } from './conversation.ts';

/** Settings as text, for `localStorage`. Invalid parts of a text are left out. */

export function settingsToText(settings: ChatSettings): string {
  return isSameSettings(settings, NO_SETTINGS) ? '' : JSON.stringify(settings);
}

export function settingsFromText(text: string): ChatSettings | undefined {
  return text === '' ? undefined : toSettings(parseJson(text));
}

export function isSameSettings(a: ChatSettings, b: ChatSettings): boolean {
  return canonical(a) === canonical(b);
}

function canonical({ systemPrompt, sampling, think }: ChatSettings): string {
  const options = Object.entries(sampling).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([systemPrompt, options, think ?? null]);
}

function toSettings(value: unknown): ChatSettings | undefined {
  if (!isRecord(value)) return undefined;
  const { systemPrompt, sampling, think } = value;
  return {
    systemPrompt: typeof systemPrompt === 'string' ? systemPrompt : '',
    sampling: toSampling(sampling),
    ...(isThink(think) ? { think } : {}),
  };
}

function toSampling(value: unknown): Sampling {
  const sampling: Sampling = {};
  if (!isRecord(value)) return sampling;
  for (const name of Object.keys(NUMBER_FIELDS) as NumberField[]) {
    const number = value[name];
    if (typeof number === 'number' && Number.isFinite(number)) sampling[name] = number;
  }
  const { stop } = value;
  if (Array.isArray(stop)) {
    const stops = stop.filter((sequence): sequence is string => typeof sequence === 'string');
    if (stops.length > 0) sampling.stop = stops;
  }
  return sampling;
}

function isThink(value: unknown): value is Think {
  return typeof value === 'boolean' || value === 'low' || value === 'medium' || value === 'high';
}

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
