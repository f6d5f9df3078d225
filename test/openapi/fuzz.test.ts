import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '#lib/chat/clock';
import { AppError } from '#lib/errors';
import type { EmbedRequest, EmbedResult } from '#lib/models/embedding';
import type { Operation } from '#lib/openapi/operation';
import { OPERATIONS } from '#lib/openapi/operations';
import { shutDown } from '#lib/shutdown';
import type { ScriptedCall } from '../support/chat.ts';
import { type ChatServer, chatServer } from '../support/chat-server.ts';
import { requestOf, type Sent } from '../support/openapi-arbitrary.ts';
import { addressOf, complaints, type Received } from '../support/openapi-check.ts';

/**
 * Thousands of requests, right and wrong, against the real server with a scripted model: whatever
 * comes in, the response is one that the document describes, it comes in time, and it is never
 * `internal_error`.
 */

/** The same requests every time: a run that fails can be run again. */
const SEED = 20_260_722;
const RUNS = 120;
/** There is little to be right or wrong about without a body. */
const BODILESS_RUNS = 30;
/** Each may start a sandbox. */
const CODE_RUNS = 12;
const DEADLINE_MS = 10_000;

let server: ChatServer;

beforeAll(async () => {
  const settings = { QUEUE_MAX_CONCURRENT: '2', QUEUE_MAX_SIZE: '20', BATCH_TIMEOUT_MS: '5', CODE_WARM_MEMORY_MB: '0' };
  server = await chatServer(settings, { clock: systemClock });
  Object.assign(server.provider, {
    embed: async ({ inputs }: EmbedRequest): Promise<EmbedResult> => ({
      vectors: inputs.map((input) => Float64Array.of(input.length, 0.1)),
      promptTokens: inputs.length,
    }),
  });
  server.provider.onCall = (call) => play(call, server.provider.calls.length);
});

afterAll(async () => {
  await server.close();
  await shutDown();
});

const FAILURES = [
  'model_not_found',
  'provider_unavailable',
  'upstream_failed',
  'upstream_timeout',
  'upstream_truncated',
  'not_configured',
] as const;

/** A model of moods: it responds, thinks, asks for tools, breaks off or fails, at any moment. */
function play(call: ScriptedCall, number: number): void {
  const code = FAILURES[number % FAILURES.length] ?? 'upstream_failed';
  const acts: (() => void)[] = [
    () => call.think('Hm.').say('Hello ').say('there.').done(),
    () => call.say('Hello').done('length'),
    () => call.fail(new AppError(code, 'The model failed.')),
    () => call.say('Hel').fail(new AppError(code, 'The model failed in the middle.')),
    () => call.ask([{ function: { name: 'look', arguments: { at: [1, null] } } }]).done(),
    () => call.say('Hel').end(),
    () => call.done(),
  ];
  setTimeout(acts[number % acts.length] ?? (() => call.done()), number % 3);
}

async function send(operation: Operation, { path, query, headers, body }: Sent): Promise<Received> {
  const response = await fetch(server.url + addressOf(operation, path, query), {
    method: operation.method.toUpperCase(),
    headers,
    body,
    redirect: 'manual',
    signal: AbortSignal.timeout(DEADLINE_MS),
  });
  const type = response.headers.get('content-type') ?? '';
  return { status: response.status, type, text: await response.text() };
}

/** Compilers would make of every line of noise a second of work. */
const QUICK_LANGUAGES = fc.constantFrom('python', 'js', 'py', 'cobol', '');
const SHORT_SECONDS = fc.constantFrom(1, 0.5, 1e9);

describe('whatever is sent', () => {
  const operations = OPERATIONS.filter(({ passesOn }) => passesOn !== true).map((one) => [one.id, one] as const);

  it.each(operations)(
    '%s responds as the document says',
    async (_id, operation) => {
      const runsCode = operation.body !== undefined && (operation.tag === 'Code' || operation.tag === 'Executors');
      const fixed = runsCode ? { language: QUICK_LANGUAGES, timeout: SHORT_SECONDS } : {};
      await fc.assert(
        fc.asyncProperty(requestOf(operation, fixed), async (sent) => {
          const received = await send(operation, sent);
          expect(received.status, received.text).not.toBe(500);
          expect(complaints(operation, received)).toEqual([]);
        }),
        {
          seed: SEED,
          numRuns: runsCode ? CODE_RUNS : operation.body === undefined ? BODILESS_RUNS : RUNS,
          endOnFailure: true,
        },
      );
    },
    60_000,
  );

  it('leaves nothing at work', async () => {
    await expect.poll(() => server.provider.open, { timeout: 15_000 }).toBe(0);
    expect(server.provider.calls.length).toBeGreaterThan(50);
    expect((await fetch(`${server.url}/health`)).status).toBe(200);
  });
});
