import type { OptionDefaults } from '#lib/wire/models';

/**
 * Ollama's values of options that neither the request nor the model sets.
 * https://github.com/ollama/ollama/blob/main/api/types.go (DefaultOptions)
 */
export const OLLAMA_DEFAULTS: OptionDefaults = { temperature: 0.8, top_p: 0.9, top_k: 40, num_predict: -1 };

const NUMBERS = ['temperature', 'top_p', 'top_k', 'seed', 'num_predict', 'num_ctx'] as const;
const MAX_STOPS = 16;
const MAX_STOP_CHARACTERS = 100;

/**
 * The options in the `parameters` of POST /api/show: one name and value a line, `stop` once for
 * each sequence and in quotation marks.
 */
export function parameterDefaults(parameters: string): OptionDefaults {
  const defaults: OptionDefaults = {};
  const stop: string[] = [];
  for (const line of parameters.split('\n')) {
    const [, name = '', value = ''] = /^\s*(\w+)\s+(.*?)\s*$/.exec(line) ?? [];
    const known = NUMBERS.find((number) => number === name);
    const number = Number(value);
    if (known !== undefined && value !== '' && Number.isFinite(number)) defaults[known] = number;
    if (name === 'stop' && stop.length < MAX_STOPS) stop.push(unquoted(value).slice(0, MAX_STOP_CHARACTERS));
  }
  return stop.length === 0 ? defaults : { ...defaults, stop };
}

function unquoted(value: string): string {
  return /^".*"$/.test(value) ? value.slice(1, -1) : value;
}
