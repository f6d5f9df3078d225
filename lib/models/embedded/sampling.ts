import type { ModelOptions } from '#lib/wire/chat';
import type { OptionDefaults } from '#lib/wire/models';

/** A tiny model may never stop by itself. */
const DEFAULT_RESPONSE_TOKENS = 1024;
/** A small model needs a low temperature to stay on topic, and a penalty against repetition. */
const DEFAULT_TEMPERATURE = 0.3;
const DEFAULT_TOP_P = 0.9;
const DEFAULT_REPEAT_PENALTY = 1.1;
const REPEAT_WINDOW_TOKENS = 64;

/** The values of options that a request leaves out. */
export const EMBEDDED_DEFAULTS: OptionDefaults = {
  temperature: DEFAULT_TEMPERATURE,
  top_p: DEFAULT_TOP_P,
  num_predict: DEFAULT_RESPONSE_TOKENS,
};

/** Whether an option's value has a type that `samplingOptions` reads. */
export function isReadableOption(name: string, value: unknown): boolean {
  if (name === 'penalize_newline') return typeof value === 'boolean';
  if (name === 'stop') return [value].flat().every((word) => typeof word === 'string');
  return number(value) !== undefined;
}

/**
 * Maps Ollama's options to the library's. `freeTokens` are left in the context: they limit every
 * response, and are the value of −1 and −2. Unknown options and values of a wrong type are
 * ignored.
 */
export function samplingOptions(options: ModelOptions, freeTokens: number) {
  const requested = number(options.num_predict);
  const seed = number(options.seed);
  const topK = number(options.top_k);
  const minP = number(options.min_p);
  const penalty = number(options.repeat_penalty) ?? DEFAULT_REPEAT_PENALTY;
  const frequencyPenalty = number(options.frequency_penalty);
  const presencePenalty = number(options.presence_penalty);
  const lastTokens = number(options.repeat_last_n);
  const stop = (Array.isArray(options.stop) ? options.stop : [options.stop]).filter(
    (word): word is string => typeof word === 'string' && word !== '',
  );
  return {
    maxTokens: Math.max(
      1,
      Math.min(freeTokens, requested === undefined ? DEFAULT_RESPONSE_TOKENS : requested < 0 ? freeTokens : requested),
    ),
    temperature: Math.max(0, number(options.temperature) ?? DEFAULT_TEMPERATURE),
    topP: Math.min(1, Math.max(0, number(options.top_p) ?? DEFAULT_TOP_P)),
    repeatPenalty: {
      penalty,
      // Ollama's −1 is the whole context.
      lastTokens:
        lastTokens === undefined ? REPEAT_WINDOW_TOKENS : lastTokens < 0 ? freeTokens : Math.trunc(lastTokens),
      ...(frequencyPenalty === undefined ? {} : { frequencyPenalty }),
      ...(presencePenalty === undefined ? {} : { presencePenalty }),
      ...(typeof options.penalize_newline === 'boolean' ? { penalizeNewLine: options.penalize_newline } : {}),
    },
    ...(topK === undefined ? {} : { topK: Math.max(0, Math.trunc(topK)) }),
    ...(minP === undefined ? {} : { minP: Math.min(1, Math.max(0, minP)) }),
    // −1 is a random one, as for Ollama.
    ...(seed === undefined || seed < 0 ? {} : { seed: Math.trunc(seed) >>> 0 }),
    ...(stop.length === 0 ? {} : { customStopTriggers: stop }),
  };
}

function number(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}
