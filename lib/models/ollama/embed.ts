import { z } from 'zod';
import { AppError } from '#lib/errors';
import { type EmbedRequest, type EmbedResult, toVector, type Vector } from '#lib/models/embedding';
import { lenientTokenCount } from '#lib/models/lenient-schemas';
import { effectiveKeepAlive } from '#lib/models/ollama/request-body';
import type { KeepAlive } from '#lib/models/provider';

/**
 * Embeddings of Ollama's API: `/api/embed`, whose vectors have length 1, and the older
 * `/api/embeddings`, whose vectors are as the model made them.
 * https://github.com/ollama/ollama/blob/main/docs/api.md#generate-embeddings
 */

export function ollamaEmbedCall(request: EmbedRequest, keepAlive: KeepAlive): { path: string; body: object } {
  const { model, inputs, dimensions, truncate, options, isRaw } = request;
  const keep_alive = effectiveKeepAlive(request.keepAlive, keepAlive);
  return isRaw === true
    ? { path: '/api/embeddings', body: { model, prompt: inputs[0], options, keep_alive } }
    : { path: '/api/embed', body: { model, input: inputs, dimensions, truncate, options, keep_alive } };
}

const embedSchema = z.object({ embeddings: z.array(z.unknown()), prompt_eval_count: lenientTokenCount });
const rawSchema = z.object({ embedding: z.unknown() });

export function readOllamaEmbeddings({ isRaw, inputs }: EmbedRequest, response: unknown): EmbedResult {
  const parsed = isRaw === true ? rawSchema.safeParse(response) : embedSchema.safeParse(response);
  if (!parsed.success) throw unexpected();
  const { data } = parsed;
  const list = 'embeddings' in data ? data.embeddings : [data.embedding];
  const vectors = list.map(toVector).filter((vector): vector is Vector => vector !== undefined);
  if (vectors.length !== inputs.length) throw unexpected();
  return { vectors, promptTokens: 'embeddings' in data ? (data.prompt_eval_count ?? 0) : 0 };
}

function unexpected(): AppError {
  return new AppError('upstream_failed', 'Ollama did not send one embedding for each input. Is it an embedding model?');
}
