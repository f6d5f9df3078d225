import Anthropic from '@anthropic-ai/sdk';
import { Ollama } from 'ollama/browser';
import OpenAI from 'openai';
import { describe, expect, it } from 'vitest';
import { corsHeaders } from '#lib/http/cors';

/** Headers of requests that pages of another origin send with the official SDKs. */

const baseURL = 'http://127.0.0.1:9';
/** A browser sends these without asking in a preflight, or sets them itself. */
const UNASKED = new Set(['connection', 'content-length', 'host']);
const allowed = new Set(
  corsHeaders('https://page.example', true)['access-control-allow-headers']?.toLowerCase().split(', '),
);

async function refusedHeaders(send: (fetch: typeof globalThis.fetch) => PromiseLike<unknown>): Promise<string[]> {
  const names = new Set<string>();
  await send((_input, init) => {
    for (const [name] of new Headers(init?.headers)) names.add(name);
    return Promise.resolve(new Response('{"models": []}', { headers: { 'content-type': 'application/json' } }));
  });
  expect(names.size).toBeGreaterThan(0);
  return [...names].filter((name) => !allowed.has(name) && !UNASKED.has(name));
}

describe('a preflight', () => {
  it('allows all headers of the openai SDK', async () => {
    const options = { baseURL, apiKey: 'k', organization: 'o', project: 'p', dangerouslyAllowBrowser: true };
    const refused = await refusedHeaders((fetch) =>
      new OpenAI({ ...options, fetch }).chat.completions.create(
        { model: 'm', messages: [{ role: 'user', content: 'hello' }] },
        { idempotencyKey: 'i', timeout: 1000 },
      ),
    );
    expect(refused).toEqual([]);
  });

  it('allows all headers of the Anthropic SDK', async () => {
    const options = { baseURL, apiKey: 'k', dangerouslyAllowBrowser: true };
    const refused = await refusedHeaders((fetch) =>
      new Anthropic({ ...options, fetch }).beta.messages.create(
        { model: 'm', max_tokens: 1, messages: [{ role: 'user', content: 'hello' }], betas: ['b'] },
        { timeout: 1000 },
      ),
    );
    expect(refused).toEqual([]);
  });

  it('allows all headers of the ollama SDK', async () => {
    expect(await refusedHeaders((fetch) => new Ollama({ host: baseURL, fetch }).list())).toEqual([]);
  });
});
