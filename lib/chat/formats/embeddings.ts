import { type Vector, vectorBase64, vectorJson } from '#lib/models/embedding';

/**
 * Bodies with embeddings, in pieces: one for each vector, so that a large body is neither made in
 * one turn of the event loop nor held in one string.
 */

export type EmbeddingsBody = Generator<string, void>;

interface Embedded {
  readonly model: string;
  readonly vectors: readonly Vector[];
  readonly promptTokens: number;
}

export function* openAiEmbeddingsBody({ model, vectors, promptTokens }: Embedded, isBase64: boolean): EmbeddingsBody {
  yield '{"object":"list","data":[';
  for (const [index, vector] of vectors.entries()) {
    const embedding = isBase64 ? `"${vectorBase64(vector)}"` : vectorJson(vector);
    yield `${index === 0 ? '' : ','}{"object":"embedding","index":${index},"embedding":${embedding}}`;
  }
  const usage = { prompt_tokens: promptTokens, total_tokens: promptTokens };
  yield `],"model":${JSON.stringify(model)},"usage":${JSON.stringify(usage)}}`;
}

/** `totalMs`: since the request arrived. */
export function* ollamaEmbedBody({ model, vectors, promptTokens }: Embedded, totalMs: number): EmbeddingsBody {
  yield `{"model":${JSON.stringify(model)},"embeddings":[`;
  for (const [index, vector] of vectors.entries()) yield `${index === 0 ? '' : ','}${vectorJson(vector)}`;
  yield `],"total_duration":${Math.round(totalMs * NS_PER_MS)},"load_duration":0,"prompt_eval_count":${promptTokens}}`;
}

export function* ollamaEmbeddingsBody({ vectors: [vector] }: Embedded): EmbeddingsBody {
  yield `{"embedding":${vector === undefined ? '[]' : vectorJson(vector)}}`;
}

const NS_PER_MS = 1e6;
