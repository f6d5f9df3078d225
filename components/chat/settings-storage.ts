import { isRecord, parseJson } from '#lib/browser/type-guards';
import type { Think } from '#lib/wire/chat';
import { type ChatSettings, NO_SETTINGS, type Sampling } from './conversation.ts';

/** Settings as text, for `localStorage`. Invalid parts of a text are left out. */

const NUMBERS = ['temperature', 'top_p', 'top_k', 'seed', 'num_predict', 'num_ctx'] as const;

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

export function toSettings(value: unknown): ChatSettings | undefined {
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
  for (const name of NUMBERS) {
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
