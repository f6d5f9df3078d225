import type { ModelInfo, Models, OptionDefaults } from '#lib/wire/models';
import type { Sampling } from './conversation.ts';
import { modelByName } from './model-capabilities.ts';
import { SETTINGS_STRINGS as S } from './strings/settings.ts';

/** The parameters of a chat: their limits, their defaults, and how they are read from a field. */

export const NUMBER_FIELDS = {
  temperature: { min: 0, max: 2, isWhole: false },
  top_p: { min: 0, max: 1, isWhole: false },
  top_k: { min: 0, max: 1_000, isWhole: true },
  seed: { min: 0, max: 2_147_483_647, isWhole: true },
  num_predict: { min: 1, max: 1_000_000, isWhole: true },
  num_ctx: { min: 256, max: 10_000_000, isWhole: true },
} as const;

export type NumberField = keyof typeof NUMBER_FIELDS;
export type OptionName = NumberField | 'stop';

export const OPTION_NAMES: readonly OptionName[] = [
  'temperature',
  'top_p',
  'top_k',
  'seed',
  'num_predict',
  'num_ctx',
  'stop',
];

export const MAX_STOPS = 8;
const MAX_STOP_CHARACTERS = 200;

/** The options of a model, as the panel shows them. */
export interface OptionContext {
  model: ModelInfo | undefined;
  /** Names of the options that reach the model. */
  supported: readonly OptionName[];
  defaults: OptionDefaults;
  hasServerPrompt: boolean;
}

/** Until the models are known, and for an older server, all options are shown without defaults. */
export function optionContext(models: Models | undefined, name: string | null): OptionContext {
  const model = models === undefined ? undefined : modelByName(models, name);
  const provider = models?.providers.find(({ id }) => id === model?.provider);
  const reaching = provider?.options;
  return {
    model,
    supported: reaching === undefined ? OPTION_NAMES : OPTION_NAMES.filter((option) => reaching.includes(option)),
    defaults: { ...provider?.defaults, ...model?.defaults },
    hasServerPrompt: models?.has_system_prompt === true,
  };
}

/** The value that applies if the field is empty. */
export function defaultText(option: OptionName, { model, defaults }: OptionContext): string {
  if (option === 'stop') {
    const { stop = [] } = defaults;
    return stop.length === 0 ? S.none : stop.map(stopText).join(', ');
  }
  const value = defaults[option];
  if (option === 'num_ctx' && value === undefined) return S.automaticContext(model?.usable_context_length);
  if (option === 'num_predict' && value !== undefined && value < 0) return S.noLimit;
  if (option === 'seed' && value === undefined) return S.random;
  return value === undefined ? S.modelDefault : String(value);
}

export type FieldReading<T> = { value: T | undefined } | { error: string };

/** Empty is no value. Takes a decimal comma as well. */
export function readNumber(option: NumberField, text: string, contextLength?: number | null): FieldReading<number> {
  const trimmed = text.trim();
  if (trimmed === '') return { value: undefined };
  const { min, isWhole, ...field } = NUMBER_FIELDS[option];
  const max = option === 'num_ctx' ? Math.max(min, contextLength ?? field.max) : field.max;
  const value = /^[-+]?(\d+([.,]\d*)?|[.,]\d+)$/.test(trimmed) ? Number(trimmed.replace(',', '.')) : Number.NaN;
  if (value >= min && value <= max && (!isWhole || Number.isInteger(value))) return { value };
  return { error: isWhole ? S.notWhole(min, max) : S.notANumber(min, max) };
}

/** One sequence per line. Spaces count, since a sequence may begin with one. */
export function readStops(text: string): FieldReading<string[]> {
  const stops = text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => line.replaceAll('\\n', '\n').slice(0, MAX_STOP_CHARACTERS));
  if (stops.length > MAX_STOPS) return { error: S.tooManyStops(MAX_STOPS) };
  return { value: stops.length === 0 ? undefined : stops };
}

export function stopText(stop: string): string {
  return stop.replaceAll('\n', '\\n');
}

export function optionText(option: OptionName, sampling: Sampling): string {
  // An imported conversation may hold anything.
  if (option === 'stop') return Array.isArray(sampling.stop) ? sampling.stop.map(stopText).join('\n') : '';
  return String(sampling[option] ?? '');
}

/** The sampling with one option set, or without it if the value is undefined. */
export function withOption(sampling: Sampling, option: OptionName, value: number | string[] | undefined): Sampling {
  const { [option]: _, ...rest } = sampling;
  return value === undefined ? rest : { ...rest, [option]: value };
}
