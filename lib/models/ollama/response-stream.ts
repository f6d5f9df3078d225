import { z } from 'zod';
import { AppError } from '#lib/errors';
import {
  ANY_LENGTH,
  lenientContent,
  lenientList,
  lenientNanoseconds,
  lenientText,
  lenientTokenCount,
  lenientWord,
} from '#lib/models/lenient-schemas';
import { carriesError } from '#lib/models/model-server-errors';
import { parseJson } from '#lib/models/parse-json';
import type { Durations, ModelEventListener } from '#lib/models/provider';
import { BoundedText, LineReader } from '#lib/models/text-stream';
import { createToolCall } from '#lib/models/tool-call-assembler';
import { isPlain, MAX_TEXT_CHARS } from '#lib/models/usual-line';
import { type TokenUsage, tokenLogprobSchema } from '#lib/wire/chat';

/**
 * Parses a response stream of Ollama's native API: strict about its text, lenient about the rest.
 * https://github.com/ollama/ollama/blob/main/docs/api.md
 */

/** Longer than the context of any model. */
const MAX_CONTEXT_TOKENS = 4 * 1024 * 1024;

const ollamaChunkSchema = z.object({
  message: z
    .object({
      content: lenientContent,
      thinking: lenientText,
      tool_calls: lenientList(
        z.object({
          id: lenientText,
          function: z.object({ name: z.unknown().optional(), arguments: z.unknown().optional() }),
        }),
        ANY_LENGTH,
      ),
    })
    .optional()
    .catch(undefined),
  /** The text of `/api/generate`, which some servers send for a chat too. */
  response: lenientContent,
  thinking: lenientText,
  /** Of the last line of `/api/generate`. */
  context: z.array(z.int().nonnegative()).max(MAX_CONTEXT_TOKENS).optional().catch(undefined),
  // One odd value must not fail the response.
  logprobs: z.array(tokenLogprobSchema).nullish().catch(null),
  done: z.boolean().catch(false),
  done_reason: lenientWord,
  prompt_eval_count: lenientTokenCount,
  eval_count: lenientTokenCount,
  load_duration: lenientNanoseconds,
  prompt_eval_duration: lenientNanoseconds,
  eval_duration: lenientNanoseconds,
});
export type OllamaChunk = z.infer<typeof ollamaChunkSchema>;

export interface OllamaResponseOptions {
  emit: ModelEventListener;
  /** The sentence in an error of the model server, safe to show to callers. */
  errorText(body: unknown): string | undefined;
  /** The token counts of the last chunk. */
  usageOf(chunk: OllamaChunk): TokenUsage;
}

/** One response while it arrives: one JSON value per line. A pretty-printed body is one value. */
export class OllamaResponse {
  readonly #options: OllamaResponseOptions;
  readonly #lines = new LineReader();
  /** A pretty-printed body. */
  readonly #body = new BoundedText();
  #isFirst = true;
  #isDone = false;
  /** An error in the stream ends the response. */
  #error: AppError | undefined;

  constructor(options: OllamaResponseOptions) {
    this.#options = options;
  }

  /** Returns true once the response is complete. Throws `upstream_failed` for a line of no JSON. */
  readonly push = (bytes: Buffer): boolean => {
    for (const line of this.#lines.push(bytes)) this.#read(line);
    return this.#isDone;
  };

  /**
   * The body has ended. Throws the error that the model server sent, or `upstream_truncated` for
   * an incomplete response.
   */
  end(): void {
    if (!this.#isDone) this.#readRest();
    if (this.#error !== undefined) throw this.#error;
    if (!this.#isDone) throw new AppError('upstream_truncated', 'The answer ended early.');
  }

  #readRest(): void {
    for (const line of this.#lines.end()) this.#read(line);
    if (this.#isDone || this.#body.isEmpty) return;
    const json = parseJson(this.#body.take('\n'));
    if (json === undefined) throw new AppError('upstream_failed', 'Ollama sent a response that is not JSON.');
    this.#take(json);
  }

  #read(line: string): void {
    if (this.#isDone) return;
    if (!this.#body.isEmpty) {
      this.#body.add(line);
      return;
    }
    const usual = usualText(line);
    if (usual !== undefined) {
      this.#isFirst = false;
      if (usual !== '') this.#options.emit({ type: 'content', text: usual });
      return;
    }
    if (line.trim() === '') return;
    const json = parseJson(line);
    if (json !== undefined) this.#take(json);
    else if (this.#isFirst && line.trimStart().startsWith('{')) this.#body.add(line);
    else throw new AppError('upstream_failed', 'Ollama sent a line that is not JSON.');
    this.#isFirst = false;
  }

  #take(json: unknown): void {
    if (carriesError(json)) {
      this.#isDone = true;
      const sentence = this.#options.errorText(json) ?? 'it did not say why';
      this.#error = new AppError('upstream_failed', `The model stopped with an error: ${sentence}`);
      return;
    }
    if (typeof json !== 'object' || json === null || Array.isArray(json)) return;
    const text = plainText(json);
    if (text === undefined) this.#emitChunk(ollamaChunkSchema.parse(json));
    else if (text !== '') this.#options.emit({ type: 'content', text });
  }

  #emitChunk(chunk: OllamaChunk): void {
    const { emit, usageOf } = this.#options;
    const { message, logprobs } = chunk;
    const text = message?.content ?? chunk.response;
    if (logprobs?.length) emit({ type: 'logprobs', logprobs });
    const thinking = message?.thinking ?? chunk.thinking;
    if (thinking) emit({ type: 'thinking', text: thinking });
    if (text) emit({ type: 'content', text });
    if (message !== undefined && message.tool_calls.length > 0)
      emit({
        type: 'tool_calls',
        tool_calls: message.tool_calls.map((call) =>
          createToolCall(call.id, call.function.name, call.function.arguments),
        ),
      });
    if (!chunk.done) return;
    this.#isDone = true;
    emit({
      type: 'done',
      done_reason: chunk.done_reason || 'stop',
      usage: usageOf(chunk),
      ...durationsOf(chunk),
      ...(chunk.context === undefined ? {} : { context: chunk.context }),
    });
  }
}

const USUAL_START =
  /\{"model":"[^"\\\p{Cc}]*",(?:"created_at":"[^"\\\p{Cc}]*",)?"message":\{"role":"assistant","content":"/uy;
const USUAL_END = '"},"done":false}';
/** The same of `/api/generate`. */
const USUAL_PROMPT_START = /\{"model":"[^"\\\p{Cc}]*",(?:"created_at":"[^"\\\p{Cc}]*",)?"response":"/uy;
const USUAL_PROMPT_END = '","done":false}';

/**
 * Fast path without a JSON parser: the text of a line as Ollama writes most of them. Undefined for
 * any other line.
 */
export function usualText(line: string): string | undefined {
  if (line.endsWith(USUAL_END)) return textBetween(line, USUAL_START, USUAL_END);
  return line.endsWith(USUAL_PROMPT_END) ? textBetween(line, USUAL_PROMPT_START, USUAL_PROMPT_END) : undefined;
}

function textBetween(line: string, start: RegExp, end: string): string | undefined {
  start.lastIndex = 0;
  if (!start.test(line)) return undefined;
  const from = start.lastIndex;
  const to = line.length - end.length;
  return to >= from && to - from <= MAX_TEXT_CHARS && isPlain(line, from, to) ? line.slice(from, to) : undefined;
}

/**
 * Fast path: the text of a chunk with nothing else, as most have. Undefined for any other chunk,
 * which the schema parses at a higher cost.
 */
function plainText(json: {
  message?: unknown;
  response?: unknown;
  thinking?: unknown;
  done?: unknown;
  logprobs?: unknown;
}): string | undefined {
  const { message, response, done, logprobs } = json;
  if (done !== false || (logprobs !== undefined && logprobs !== null)) return undefined;
  if (typeof message !== 'object' || message === null) {
    const isText = message === undefined && (json.thinking === undefined || json.thinking === null);
    return isText && typeof response === 'string' ? response : undefined;
  }
  const { content, thinking, tool_calls }: { content?: unknown; thinking?: unknown; tool_calls?: unknown } = message;
  const isPlain = (thinking === undefined || thinking === null) && (tool_calls === undefined || tool_calls === null);
  return isPlain && typeof content === 'string' ? content : undefined;
}

function durationsOf(part: OllamaChunk): { durations?: Durations } {
  const { load_duration: load_ns, prompt_eval_duration: prompt_eval_ns, eval_duration: eval_ns } = part;
  if (load_ns === undefined && prompt_eval_ns === undefined && eval_ns === undefined) return {};
  return { durations: { load_ns, prompt_eval_ns, eval_ns } };
}
