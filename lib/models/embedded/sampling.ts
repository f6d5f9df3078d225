import type { ModelOptions } from '#lib/wire/chat';

/** A tiny model that is not bounded babbles for ever. */
export const DEFAULT_RESPONSE_TOKENS = 1024;
/** A small model keeps to the point only when it is cool, and repeats itself unless that costs something. */
const DEFAULT_TEMPERATURE = 0.3;
const DEFAULT_TOP_P = 0.9;
const DEFAULT_REPEAT_PENALTY = 1.1;
const REPEAT_WINDOW_TOKENS = 64;

/**
 * Ollama's option names to the library's. `room` is how many tokens are left in the context: an answer never has more,
 * whatever was asked; −1 and −2 ask for all of it. Options that are not listed are ignored, as is a value of a wrong type.
 */
export function samplingOptions(options: ModelOptions, room: number) {
  const asked = number(options.num_predict);
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
    maxTokens: Math.max(1, Math.min(room, asked === undefined ? DEFAULT_RESPONSE_TOKENS : asked < 0 ? room : asked)),
    temperature: Math.max(0, number(options.temperature) ?? DEFAULT_TEMPERATURE),
    topP: Math.min(1, Math.max(0, number(options.top_p) ?? DEFAULT_TOP_P)),
    repeatPenalty: {
      penalty,
      // Ollama's −1 is the whole context.
      lastTokens: lastTokens === undefined ? REPEAT_WINDOW_TOKENS : lastTokens < 0 ? room : Math.trunc(lastTokens),
      ...(frequencyPenalty === undefined ? {} : { frequencyPenalty }),
      ...(presencePenalty === undefined ? {} : { presencePenalty }),
      ...(typeof options.penalize_newline === 'boolean' ? { penalizeNewLine: options.penalize_newline } : {}),
    },
    ...(topK === undefined ? {} : { topK: Math.max(0, Math.trunc(topK)) }),
    ...(minP === undefined ? {} : { minP: Math.min(1, Math.max(0, minP)) }),
    ...(seed === undefined ? {} : { seed: Math.trunc(seed) >>> 0 }),
    ...(stop.length === 0 ? {} : { customStopTriggers: stop }),
  };
}

function number(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}
