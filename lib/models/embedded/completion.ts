import { LlamaCompletion, type LlamaContextSequence, type LlamaGrammar, type Token } from 'node-llama-cpp';
import type { samplingOptions } from '#lib/models/embedded/sampling';
import type { ModelCompletion } from '#lib/models/provider';

/** Text completion of the built-in model: a prompt that goes through no template. */

/** The tokens of a prompt, and of a suffix if there is one. */
export interface CompletionInput {
  readonly prompt: Token[];
  readonly suffix: Token[] | undefined;
  /** All tokens that the model reads. */
  readonly length: number;
}

/** A prefix, a suffix and a middle mark. */
const INFILL_MARKS = 3;

/**
 * Tokenizes a completion, or returns the reason why this model cannot do it. Marks such as
 * `<|im_start|>` in a raw prompt are special tokens, as in Ollama; in code to fill in they are
 * text.
 */
export function completionInput(
  { model }: LlamaContextSequence,
  { prompt, suffix }: ModelCompletion,
): CompletionInput | { refused: string } {
  if (typeof prompt !== 'string') return { refused: 'The built-in model takes the prompt as text.' };
  const { tokens } = model;
  if (suffix !== undefined) {
    if (tokens.infill.prefix === null || tokens.infill.suffix === null)
      return {
        refused:
          'The built-in model cannot fill in a gap before a suffix: it has no marks for that. Leave out suffix, or choose a model for code.',
      };
    const parts = [
      model.tokenize(prompt, false, 'trimLeadingSpace'),
      model.tokenize(suffix, false, 'trimLeadingSpace'),
    ];
    const [before = [], after = []] = parts;
    return { prompt: before, suffix: after, length: before.length + after.length + INFILL_MARKS };
  }
  const isBosAdded = tokens.shouldPrependBosToken;
  const read = model.tokenize(prompt, true, isBosAdded ? 'trimLeadingSpace' : undefined);
  // An empty prompt is the beginning of a document.
  const begin = tokens.bos ?? tokens.eos;
  if (read.length === 0 && !isBosAdded && begin !== null) read.push(begin);
  return { prompt: read, suffix: undefined, length: read.length + (isBosAdded ? 1 : 0) };
}

interface CompletionOptions {
  readonly sampling: ReturnType<typeof samplingOptions>;
  readonly grammar: LlamaGrammar | undefined;
  /** The tokens that stay free: the library never drops the beginning of the prompt then. */
  readonly spareTokens: number;
  readonly signal: AbortSignal;
  readonly onText: (text: string) => void;
}

/** Generates the text. Resolves with the reason of its end. */
export async function complete(
  sequence: LlamaContextSequence,
  { prompt, suffix }: CompletionInput,
  { sampling, grammar, spareTokens, signal, onText }: CompletionOptions,
): Promise<'stop' | 'length'> {
  const completion = new LlamaCompletion({ contextSequence: sequence });
  const options = {
    ...sampling,
    ...(grammar === undefined ? {} : { grammar }),
    contextShiftSize: spareTokens,
    signal,
    onTextChunk: onText,
  };
  try {
    const { metadata } =
      suffix === undefined
        ? await completion.generateCompletionWithMeta(prompt, options)
        : await completion.generateInfillCompletionWithMeta(prompt, suffix, options);
    return metadata.stopReason === 'maxTokens' ? 'length' : 'stop';
  } finally {
    completion.dispose();
  }
}
