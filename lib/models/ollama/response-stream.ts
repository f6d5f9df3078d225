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
import type { Durations } from '#lib/models/provider';
import { BoundedText, LineReader } from '#lib/models/text-stream';
import { tokenLogprobSchema } from '#lib/wire/chat';

/**
 * Parses a response stream of Ollama's native API: strict about its text, lenient about the rest.
 * https://github.com/ollama/ollama/blob/main/docs/api.md
 */

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
  // One odd value must not fail the response.
  logprobs: z.array(tokenLogprobSchema).nullish().catch(null),
  done: z.boolean().catch(false),
  done_reason: lenientWord,
  prompt_eval_count: lenientTokenCount,
  eval_count: lenientTokenCount,
  load_duration: lenientNanoseconds,
  prompt_eval_duration: lenientNanoseconds,
  eval_duration: lenientNanoseconds,
  error: z.unknown().optional(),
});
export type OllamaChunk = z.infer<typeof ollamaChunkSchema>;

/**
 * Yields the chunks of a response, one JSON value per line. A pretty-printed body is one chunk.
 */
export async function* ollamaChunks(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<OllamaChunk> {
  const reader = new LineReader();
  const piece = new BoundedText();
  let isFirst = true;
  for await (const chunk of bytes) {
    for (const line of reader.push(chunk)) {
      const part = read(line);
      if (part !== undefined) yield part;
    }
  }
  for (const line of reader.end()) {
    const part = read(line);
    if (part !== undefined) yield part;
  }
  if (!piece.isEmpty) {
    const json = parseJson(piece.take('\n'));
    if (json === undefined) throw new AppError('upstream_failed', 'Ollama sent a response that is not JSON.');
    const part = parseChunk(json);
    if (part !== undefined) yield part;
  }

  function read(line: string): OllamaChunk | undefined {
    if (!piece.isEmpty) {
      piece.add(line);
      return undefined;
    }
    if (line.trim() === '') return undefined;
    const json = parseJson(line);
    if (json === undefined && isFirst && line.trimStart().startsWith('{')) piece.add(line);
    else if (json === undefined) throw new AppError('upstream_failed', 'Ollama sent a line that is not JSON.');
    isFirst = false;
    return json === undefined ? undefined : parseChunk(json);
  }
}

/** Undefined if the chunk adds nothing to the response. */
function parseChunk(json: unknown): OllamaChunk | undefined {
  if (carriesError(json)) return { ...EMPTY_CHUNK, error: json };
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return undefined;
  const text = plainText(json);
  if (text !== undefined) return { ...EMPTY_CHUNK, message: { content: text, tool_calls: [] } };
  return { ...ollamaChunkSchema.parse(json), error: undefined };
}

/**
 * Fast path: the text of a chunk with nothing else, as most have. Undefined for any other chunk,
 * which the schema parses at a higher cost.
 */
function plainText(json: { message?: unknown; done?: unknown; logprobs?: unknown }): string | undefined {
  const { message, done, logprobs } = json;
  if (
    done !== false ||
    (logprobs !== undefined && logprobs !== null) ||
    typeof message !== 'object' ||
    message === null
  )
    return undefined;
  const { content, thinking, tool_calls }: { content?: unknown; thinking?: unknown; tool_calls?: unknown } = message;
  const isPlain = (thinking === undefined || thinking === null) && (tool_calls === undefined || tool_calls === null);
  return isPlain && typeof content === 'string' ? content : undefined;
}

const EMPTY_CHUNK: OllamaChunk = { message: undefined, done: false, error: undefined };

export function durationsOf(part: OllamaChunk): { durations?: Durations } {
  const { load_duration: load_ns, prompt_eval_duration: prompt_eval_ns, eval_duration: eval_ns } = part;
  if (load_ns === undefined && prompt_eval_ns === undefined && eval_ns === undefined) return {};
  return { durations: { load_ns, prompt_eval_ns, eval_ns } };
}
