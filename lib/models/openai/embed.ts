import { z } from 'zod';
import { AppError } from '#lib/errors';
import { type EmbedRequest, type EmbedResult, toVector, type Vector } from '#lib/models/embedding';
import { lenientObject, lenientTokenCount } from '#lib/models/lenient-schemas';

/** The body of POST /embeddings. Floats are as the server has them; base64 is made of them here. */
export function openAiEmbedBody({ model, inputs, dimensions, user, extra }: EmbedRequest): object {
  return { ...extra, model, input: inputs, dimensions, user, encoding_format: 'float' };
}

const responseSchema = z.object({
  data: z.array(z.object({ embedding: z.unknown(), index: z.int().nonnegative().optional().catch(undefined) })),
  usage: lenientObject({ prompt_tokens: lenientTokenCount, total_tokens: lenientTokenCount }),
});

export function readOpenAiEmbeddings({ inputs }: EmbedRequest, response: unknown): EmbedResult {
  const parsed = responseSchema.safeParse(response);
  if (!parsed.success) throw unexpected();
  const { data, usage } = parsed.data;
  const byIndex = new Map<number, Vector>();
  for (const [position, { embedding, index }] of data.entries()) {
    const vector = toVector(embedding);
    if (vector !== undefined) byIndex.set(index ?? position, vector);
  }
  const vectors = inputs.map((_, index) => byIndex.get(index)).filter((vector): vector is Vector => !!vector);
  if (vectors.length !== inputs.length) throw unexpected();
  return { vectors, promptTokens: usage?.prompt_tokens ?? usage?.total_tokens ?? 0 };
}

function unexpected(): AppError {
  return new AppError(
    'upstream_failed',
    'The model server did not send one embedding for each input. Is it an embedding model?',
  );
}
