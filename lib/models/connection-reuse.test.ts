import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readConfig } from '#lib/config/config';
import type { ModelProvider } from '#lib/models/provider';
import { createResilientChat } from '#lib/models/resilience';
import { dialects, REQUEST } from '../../test/support/failing-providers.ts';
import { type FaultyModelServer, type Script, startFaultyModelServer } from '../../test/support/faulty-model-server';
import { chatEvents, eventsOf } from '../../test/support/model-events.ts';

const LENGTHS = [1, 300, 5_000, 70_000];

describe.each(dialects)('connections to an $name server', ({ make, text, end, error }) => {
  const call = createResilientChat(readConfig({ UPSTREAM_RETRIES: '0' }));
  let server: FaultyModelServer;
  let provider: ModelProvider;

  beforeEach(async () => {
    server = await startFaultyModelServer();
    provider = make(server.url);
  });

  afterEach(async () => {
    await provider.close();
    await server.close();
  });

  async function ask(times: number): Promise<number> {
    let characters = 0;
    for (let at = 0; at < times; at++)
      try {
        for await (const event of eventsOf((signal, emit) => call(provider, REQUEST, signal, emit)))
          if (event.type === 'content') characters += event.text.length;
      } catch {
        // A failure is the subject of other tests; here it must not cost its connection.
      }
    return characters;
  }

  it('serve a thousand responses with at most two connections', async () => {
    let at = 0;
    server.choose(() => {
      const words = (LENGTHS[at++ % LENGTHS.length] ?? 0) / 5;
      const piece = text('word '.repeat(Math.max(1, words / 10)));
      return [
        ...Array.from({ length: Math.min(10, Math.ceil(words)) }, () => ({ send: piece })),
        ...end.map((send) => ({ send })),
      ];
    });
    expect(await ask(1000)).toBeGreaterThan(1_000_000);
    expect(server.opened).toBeLessThanOrEqual(2);
  });

  it.each<[what: string, script: () => Script]>([
    ['an early end with a long tail', () => [...end, ': tail\n'.repeat(50_000)].map((send) => ({ send }))],
    [
      'an end after which the body stays open for a moment',
      () => [
        ...end.map((send) => ({ send })),
        { wait: new Promise((resolve) => setTimeout(resolve, 5)) },
        { send: '\n\n' },
      ],
    ],
    [
      'trailers',
      () => [
        { status: 200, headers: { trailer: 'x-sum' } },
        ...end.map((send) => ({ send })),
        { trailers: { 'x-sum': '1' } },
      ],
    ],
    ['an end in one write with the last text', () => [{ send: [text('a'), ...end].join('') }]],
    ['a refusal', () => [{ status: 400 }, { send: '{"error":"bad option"}' }]],
    ['a refusal with a long body', () => [{ status: 500 }, { send: `<html>${'x'.repeat(300_000)}` }]],
    ['an error in the stream', () => [text('a'), error('boom')].map((send) => ({ send }))],
    ['a stream without an end', () => [{ send: text('a') }]],
  ])('outlive %s', async (_what, script) => {
    server.choose(script);
    await ask(40);
    expect(server.opened).toBeLessThanOrEqual(2);
  });

  it('are closed if the rest of a response does not end', async () => {
    server.play([
      ...end.map((send) => ({ send })),
      ...Array.from({ length: 40 }, () => ({ send: ' '.repeat(65_536) })),
      'hang',
    ]);
    await ask(1);
    await expect.poll(() => server.connections).toBe(0);
  });

  it('read a list, an endless body and a 300 MB error up to their limits', async () => {
    const flood: Script = Array.from({ length: 40 }, () => ({ send: 'x'.repeat(1024 * 1024) }));
    server.play([{ status: 500 }, ...flood]);
    await ask(1);
    await server.idle();
    server.play(flood);
    await expect(Array.fromAsync(chatEvents(provider, REQUEST))).rejects.toMatchObject({
      code: 'upstream_failed',
    });
    await server.idle();
    expect(await server.requests.at(-1)?.over).toBe(false);
  });
});
