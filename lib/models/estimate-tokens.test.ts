import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { readConfig } from '#lib/config/config';
import { EmbeddedProvider } from '#lib/models/embedded/provider';
import { estimateTokens } from '#lib/models/estimate-tokens';
import type { ModelRequest } from '#lib/models/provider';
import { ensureModel } from '../../scripts/model.ts';

await ensureModel({ log: (line) => process.stderr.write(`${line}\n`) });
const provider = new EmbeddedProvider(readConfig({}));
afterAll(() => provider.close());

const { signal } = new AbortController();
const prompt = (...texts: string[]): ModelRequest => ({
  model: provider.model,
  messages: texts.map((content, at) => ({ role: at % 2 === 0 ? ('user' as const) : ('assistant' as const), content })),
  options: {},
});

describe('an estimate of tokens', () => {
  it.each([
    ['English', prompt(readFileSync('docs/architecture.md', 'utf8').slice(0, 6_000))],
    ['code', prompt(readFileSync('lib/models/estimate-tokens.ts', 'utf8'))],
    ['a short conversation', prompt('hello', 'Hello! How can I help?', 'Which city has most people?')],
  ])('of %s is near what a model reads, rather above than below', { timeout: 60_000 }, async (_name, request) => {
    const counted = await provider.countTokens(request, signal);
    const share = estimateTokens(request) / (counted ?? Number.NaN);
    expect(share).toBeGreaterThan(0.95);
    expect(share).toBeLessThan(2);
  });

  it('counts images, tools and the format, and no tools that must not be called', () => {
    const bare = estimateTokens(prompt('hello'));
    const tools = [{ type: 'function' as const, function: { name: 'look', description: 'x'.repeat(350) } }];
    const format = { type: 'object', description: 'x'.repeat(350) };
    const [message] = prompt('hello').messages;
    expect(estimateTokens({ ...prompt('hello'), tools })).toBeGreaterThan(bare + 100);
    expect(estimateTokens({ ...prompt('hello'), tools, toolChoice: 'none' })).toBe(bare);
    expect(estimateTokens({ ...prompt('hello'), format })).toBeGreaterThan(bare + 100);
    expect(
      estimateTokens({ ...prompt(), messages: message === undefined ? [] : [{ ...message, images: ['x'] }] }),
    ).toBe(bare + 1_600);
  });
});
