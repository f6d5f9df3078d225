import { endianness } from 'node:os';
import { z } from 'zod';
import { CACHE_KEY_FORM } from '#lib/chat/cache/cache-key';
import { EMBEDDING_KEY_FORM } from '#lib/chat/embeddings/embedding-key';
import type { CompletedResponse } from '#lib/chat/generation/completed-response';
import { tokenLogprobSchema, tokenUsageSchema } from '#lib/wire/chat';

/** Of both encodings. Raised with every change that another version would misread. */
const VALUE_VERSION = 1;

/** Names keys and values: what was written under another name is ignored. */
export const CACHE_FORMAT = `${VALUE_VERSION}.${endianness()}.${CACHE_KEY_FORM}.${EMBEDDING_KEY_FORM}`;

/** Checks the shape alone: the response itself is used as it was written, byte for byte. */
const responseShape = z.object({
  content: z.string(),
  thinking: z.string(),
  tool_calls: z.array(z.object({ function: z.object({ name: z.string(), arguments: z.unknown() }) })),
  logprobs: z.array(tokenLogprobSchema).optional(),
  model: z.string(),
  done_reason: z.string(),
  usage: tokenUsageSchema,
  durations: z.record(z.string(), z.number()).optional(),
  context: z.array(z.number()).optional(),
  stop_sequence: z.string().optional(),
});

/** A response as JSON. */
export function encodeResponse(response: CompletedResponse): Uint8Array {
  return Buffer.from(JSON.stringify(response));
}

/** Undefined for bytes that `encodeResponse` did not write. */
export function decodeResponse(bytes: Uint8Array): CompletedResponse | undefined {
  try {
    const response: CompletedResponse = JSON.parse(Buffer.from(bytes).toString());
    return responseShape.safeParse(response).success ? response : undefined;
  } catch {
    return undefined;
  }
}
