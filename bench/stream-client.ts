import { Agent, request } from 'undici';

export interface Streamed {
  /** From the request to the first word, and to the end. */
  firstMs: number;
  totalMs: number;
  words: number;
}

const client = new Agent({ connections: 1024, pipelining: 1, keepAliveTimeout: 60_000 });

/**
 * POSTs `body` and reads the stream to its end, counting the words that `model-server.ts` writes.
 */
export async function readStream(url: string, body: unknown, headers: Record<string, string> = {}): Promise<Streamed> {
  const started = performance.now();
  const response = await request(url, {
    dispatcher: client,
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  let firstMs: number | undefined;
  let text = '';
  for await (const chunk of response.body) {
    text += chunk;
    if (firstMs === undefined && text.includes('word1')) firstMs = performance.now() - started;
  }
  if (response.statusCode !== 200 || firstMs === undefined)
    throw new Error(`${url} answered ${response.statusCode}: ${text.slice(0, 400)}`);
  return { firstMs, totalMs: performance.now() - started, words: text.match(/word\d/g)?.length ?? 0 };
}
