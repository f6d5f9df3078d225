import { z } from 'zod';
import { AppError } from '#lib/errors';
import { lenientTokenCount } from '#lib/models/lenient-schemas';
import type { ModelServerClient } from '#lib/models/model-server-client';
import { openAiMessages } from '#lib/models/openai/messages';
import type { ModelRequest } from '#lib/models/provider';

/** Tokenizing takes milliseconds, unless the server is busy. */
const TIMEOUT_MS = 5_000;

/**
 * The number of tokens of a prompt by the server's own tokenizer, with the model's chat template.
 * vLLM's `/tokenize` takes messages; llama.cpp's takes the text that its `/apply-template` makes of
 * them. Undefined for other servers, and for images, which these routes do not count. `root` is the
 * server without `/v1`.
 * https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html#tokenizer-api
 * https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md
 */
export async function countTokensByServer(
  root: ModelServerClient,
  { model, messages, tools, toolChoice }: ModelRequest,
  signal: AbortSignal,
): Promise<number | undefined> {
  if (messages.some(({ images }) => images !== undefined && images.length > 0)) return undefined;
  const prompt = { messages: openAiMessages(messages), ...(toolChoice === 'none' ? {} : { tools }) };
  const inTime = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
  const post = async (path: string, body: object) => await root.json({ method: 'POST', path, body, signal: inTime });
  try {
    const counted = countSchema.safeParse(await post('/tokenize', { model, ...prompt, add_generation_prompt: true }));
    if (!counted.success) return undefined;
    if (counted.data.count !== undefined) return counted.data.count;
    const applied = templateSchema.parse(await post('/apply-template', prompt));
    const content = { content: applied.prompt, add_special: true, parse_special: true };
    return countSchema.parse(await post('/tokenize', content)).tokens.length;
  } catch (error) {
    signal.throwIfAborted();
    // A server that is up and has no such routes, or not for this conversation.
    const isUnable = AppError.is(error) && error.code !== 'provider_unavailable';
    if (isUnable || inTime.aborted || error instanceof z.ZodError) return undefined;
    throw error;
  }
}

/** llama.cpp sends no count, and no tokens for a body without a text. */
const countSchema = z.object({ count: lenientTokenCount, tokens: z.array(z.unknown()) });

const templateSchema = z.object({ prompt: z.string() });
