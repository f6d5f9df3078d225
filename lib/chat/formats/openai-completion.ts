import { createdSeconds, openAiError, sse, toUsage } from '#lib/chat/formats/openai';
import type { StreamEncoder } from '#lib/chat/formats/stream-encoder';
import type { CompletedResponse } from '#lib/chat/generation/completed-response';
import type { GenerationEvent } from '#lib/chat/generation/generation-log';
import type { RequestView } from '#lib/chat/generation/request-view';
import type { TokenLogprob, TokenUsage } from '#lib/wire/chat';

/**
 * OpenAI's older completions: responses in their format. A text has no message, and reasoning and
 * tool calls have no place in it.
 * https://platform.openai.com/docs/api-reference/completions/object
 */

/** The end of a stream. */
export const DONE_LINE = 'data: [DONE]\n\n';

/** The `text_completion` with one choice for each response, in their order. */
export function textCompletion(request: RequestView, responses: readonly CompletedResponse[]) {
  return {
    ...head(request),
    choices: responses.map(({ content, logprobs, done_reason: reason }, index) => ({
      text: content,
      index,
      logprobs: toLegacyLogprobs(logprobs, 0),
      finish_reason: finishReason(reason),
    })),
    usage: toUsage(sumOfUsage(responses.map(({ usage }) => usage))),
  };
}

export interface CompletionStreamOptions {
  /** Of the choice. */
  readonly index: number;
  readonly includeUsage: boolean;
  /** Called at the end of a choice that is not alone: the stream goes on. */
  readonly onUsage?: (usage: TokenUsage) => void;
}

/** The stream of one choice. While a request waits, comments keep the connection. */
export function textCompletionEncoder(
  request: RequestView,
  { index, includeUsage, onUsage }: CompletionStreamOptions,
): StreamEncoder {
  const rest = includeUsage ? { usage: null } : {};
  const chunk = (text: string, reason: string | null) =>
    sse({
      ...head(request),
      choices: [{ text, index, logprobs: takeLogprobs(), finish_reason: reason }],
      ...rest,
    });
  /** What stands around a text without log probabilities. */
  let frame: { before: string; after: string } | undefined;
  const textChunk = (text: string) => {
    if (pending !== undefined) return chunk(text, null);
    frame ??= textFrame(chunk('', null));
    return frame.before + JSON.stringify(text) + frame.after;
  };
  let pending: TokenLogprob[] | undefined;
  /** Characters of the tokens so far. */
  let offset = 0;
  const takeLogprobs = () => {
    const logprobs = toLegacyLogprobs(pending, offset);
    for (const { token } of pending ?? []) offset += lengthOf(token);
    pending = undefined;
    return logprobs;
  };
  const encode = (event: GenerationEvent): string => {
    switch (event.type) {
      case 'content':
        return textChunk(event.text);
      case 'logprobs':
        // Sent in the chunk of their text.
        pending = [...(pending ?? []), ...event.logprobs];
        return '';
      case 'error':
        return sse(openAiError({ error: event.error.message, code: event.error.code }, 500));
      case 'done': {
        const last = chunk('', finishReason(event.done_reason));
        if (onUsage === undefined) return last + (includeUsage ? usageChunk(request, event.usage) : '') + DONE_LINE;
        onUsage(event.usage);
        return last;
      }
      default:
        return '';
    }
  };
  return { preamble: '', heartbeat: ': waiting\n\n', encode };
}

/** The parts of a chunk with an empty text. No JSON string can hold the field. */
function textFrame(chunk: string): { before: string; after: string } {
  const at = chunk.indexOf(EMPTY_TEXT) + EMPTY_TEXT.length;
  return { before: chunk.slice(0, at - 2), after: chunk.slice(at) };
}

const EMPTY_TEXT = '{"text":""';

/** The chunk in front of the end, if the request asks for it. */
export function usageChunk(request: RequestView, usage: TokenUsage): string {
  return sse({ ...head(request), choices: [], usage: toUsage(usage) });
}

export function sumOfUsage(usages: readonly TokenUsage[]): TokenUsage {
  return {
    prompt_tokens: usages.reduce((sum, usage) => sum + usage.prompt_tokens, 0),
    completion_tokens: usages.reduce((sum, usage) => sum + usage.completion_tokens, 0),
    ...(usages.some((usage) => usage.prompt_truncated === true) ? { prompt_truncated: true } : {}),
  };
}

function head(request: RequestView) {
  return {
    id: `cmpl-${request.id}`,
    object: 'text_completion',
    created: createdSeconds(request),
    model: request.model,
  };
}

function finishReason(doneReason: string): string {
  return doneReason === 'length' || doneReason === 'content_filter' ? doneReason : 'stop';
}

/** Parallel lists. `text_offset` counts the characters of the text in front of each token. */
function toLegacyLogprobs(logprobs: readonly TokenLogprob[] | undefined, offset: number) {
  if (logprobs === undefined) return null;
  let at = offset;
  return {
    tokens: logprobs.map(({ token }) => token),
    token_logprobs: logprobs.map(({ logprob }) => logprob),
    top_logprobs: logprobs.map(({ logprob, top_logprobs: others }) =>
      logprob === null ? null : Object.fromEntries((others ?? []).map((other) => [other.token, other.logprob])),
    ),
    text_offset: logprobs.map(({ token }) => {
      const start = at;
      at += lengthOf(token);
      return start;
    }),
  };
}

/** Characters as other languages count them, so that offsets are theirs. */
function lengthOf(token: string): number {
  return /[\ud800-\udfff]/.test(token) ? [...token].length : token.length;
}
