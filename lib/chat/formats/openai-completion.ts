import {
  createdSeconds,
  END_OF_STREAM,
  openAiError,
  type StreamedChoice,
  sse,
  toUsage,
  usageOfChoices,
} from '#lib/chat/formats/openai';
import { commentedEncoder, QueueComments } from '#lib/chat/formats/queue-comment';
import type { StreamEncoder } from '#lib/chat/formats/stream-encoder';
import { type TextFrame, textFrame } from '#lib/chat/formats/text-frame';
import type { CompletedResponse } from '#lib/chat/generation/completed-response';
import type { GenerationEvent } from '#lib/chat/generation/generation-log';
import type { RequestView } from '#lib/chat/generation/request-view';
import type { TokenLogprob, TokenUsage } from '#lib/wire/chat';

/**
 * OpenAI's older completions: responses in their format. A text has no message, and reasoning and
 * tool calls have no place in it.
 * https://platform.openai.com/docs/api-reference/completions/object
 */

/**
 * The `text_completion` with one choice for each response, in their order. `perPrompt` of them
 * follow each other for one prompt.
 */
export function textCompletion(request: RequestView, responses: readonly CompletedResponse[], perPrompt = 1) {
  return {
    ...head(request),
    choices: responses.map(({ content, logprobs, done_reason: reason }, index) => ({
      text: content,
      index,
      logprobs: toLegacyLogprobs(logprobs, 0),
      finish_reason: finishReason(reason),
    })),
    usage: toUsage(
      usageOfPrompts(
        responses.map(({ usage }) => usage),
        perPrompt,
      ),
    ),
  };
}

/**
 * The stream of chunks. While a request waits, comments say its place in the queue. That of one of
 * several choices has no end; `textCompletionEnd` is the end of all.
 */
export function textCompletionEncoder(
  request: RequestView,
  includeUsage: boolean,
  choice?: StreamedChoice,
): StreamEncoder {
  const { index, first: whole } = choice ?? { index: 0, first: request };
  const comments = new QueueComments();
  const rest = includeUsage ? { usage: null } : {};
  const chunk = (text: string, reason: string | null) =>
    sse({
      ...head(whole),
      choices: [{ text, index, logprobs: takeLogprobs(), finish_reason: reason }],
      ...rest,
    });
  /** What stands around a text without log probabilities. */
  let frame: TextFrame | undefined;
  const textChunk = (text: string) => {
    if (pending !== undefined) return chunk(text, null);
    frame ??= textFrame(chunk('', null), EMPTY_TEXT);
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
        return choice === undefined ? last + textCompletionEnd(request, [event.usage], 1, includeUsage) : last;
      }
      case 'status':
        return comments.next(event);
      default:
        return '';
    }
  };
  return commentedEncoder(comments, encode);
}

const EMPTY_TEXT = '{"text":""';

/** The end of a stream, with a chunk for the usage if the request asks for it. */
export function textCompletionEnd(
  first: RequestView,
  usages: readonly TokenUsage[],
  perPrompt: number,
  includeUsage: boolean,
): string {
  const usage = () => sse({ ...head(first), choices: [], usage: toUsage(usageOfPrompts(usages, perPrompt)) });
  return (includeUsage ? usage() : '') + END_OF_STREAM;
}

/** As OpenAI counts them: each prompt once, and the tokens of all choices. */
function usageOfPrompts(choices: readonly TokenUsage[], perPrompt: number): TokenUsage {
  const usages = Array.from({ length: choices.length / perPrompt }, (_, prompt) =>
    usageOfChoices(choices.slice(prompt * perPrompt, (prompt + 1) * perPrompt)),
  );
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
