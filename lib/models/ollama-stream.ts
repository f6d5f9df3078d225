import { z } from 'zod';
import { Fault } from '#lib/fault';
import { parseJson } from '#lib/models/json';
import { ANY_LENGTH, anyText, anyWord, lenientList, nanoseconds, ownText, tokens } from '#lib/models/lenient';
import { LineReader, TextPieces } from '#lib/models/lines';
import type { Durations } from '#lib/models/provider';
import { hasError } from '#lib/models/upstream';
import { tokenLogprobSchema } from '#lib/wire/chat';

/**
 * The stream of an answer by Ollama's native API: strict about its text, lenient about the rest.
 * https://github.com/ollama/ollama/blob/main/docs/api.md
 */

const partSchema = z.object({
  message: z
    .object({
      content: ownText,
      thinking: anyText,
      tool_calls: lenientList(
        z.object({
          id: anyText,
          function: z.object({ name: z.unknown().optional(), arguments: z.unknown().optional() }),
        }),
        ANY_LENGTH,
      ),
    })
    .optional()
    .catch(undefined),
  /** The text of `/api/generate`, which some servers send for a chat too. */
  response: ownText,
  // One odd value among them must not cost the answer.
  logprobs: z.array(tokenLogprobSchema).nullish().catch(null),
  done: z.boolean().catch(false),
  done_reason: anyWord,
  prompt_eval_count: tokens,
  eval_count: tokens,
  load_duration: nanoseconds,
  prompt_eval_duration: nanoseconds,
  eval_duration: nanoseconds,
  error: z.unknown().optional(),
});
export type OllamaPart = z.infer<typeof partSchema>;

/**
 * The parts of an answer: JSON, a line each. A body in one piece, over several lines, is one part.
 */
export async function* ollamaParts(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<OllamaPart> {
  const reader = new LineReader();
  const piece = new TextPieces();
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
    if (json === undefined) throw new Fault('upstream_failed', 'Ollama sent an answer that is not JSON.');
    const part = parsePart(json);
    if (part !== undefined) yield part;
  }

  function read(line: string): OllamaPart | undefined {
    if (!piece.isEmpty) {
      piece.add(line);
      return undefined;
    }
    if (line.trim() === '') return undefined;
    const json = parseJson(line);
    if (json === undefined && isFirst && line.trimStart().startsWith('{')) piece.add(line);
    else if (json === undefined) throw new Fault('upstream_failed', 'Ollama sent a line that is not JSON.');
    isFirst = false;
    return json === undefined ? undefined : parsePart(json);
  }
}

/** Undefined where there is nothing in it for a response. */
function parsePart(json: unknown): OllamaPart | undefined {
  if (hasError(json)) return { ...EMPTY_PART, error: json };
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return undefined;
  const text = plainText(json);
  if (text !== undefined) return { ...EMPTY_PART, message: { content: text, tool_calls: [] } };
  return { ...partSchema.parse(json), error: undefined };
}

/**
 * The text of a part that has nothing else, as most have; undefined for any other, which the schema
 * reads. The schema costs more than all the rest of reading a part.
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

const EMPTY_PART: OllamaPart = { message: undefined, done: false, error: undefined };

export function durationsOf(part: OllamaPart): { durations?: Durations } {
  const { load_duration: load_ns, prompt_eval_duration: prompt_eval_ns, eval_duration: eval_ns } = part;
  if (load_ns === undefined && prompt_eval_ns === undefined && eval_ns === undefined) return {};
  return { durations: { load_ns, prompt_eval_ns, eval_ns } };
}
