import { request as httpRequest } from 'undici';
import { afterEach, describe, expect, it } from 'vitest';
import { AppError } from '#lib/errors';
import { modelsSchema } from '#lib/wire/models';
import { serverStatsSchema, statsActionResultSchema } from '#lib/wire/server-stats';
import { type ChatServer, chatServer, failureOf, postJson } from '../support/chat-server.ts';

let s: ChatServer;

afterEach(async () => {
  await s.close();
  expect(s.provider.open).toBe(0);
});

const chat = (body: object) => postJson(`${s.url}/api/chat-optimized`, body);
const HELLO = { messages: [{ role: 'user', content: 'hello' }] };

/** Lets the model say one thing to every call, at once. */
function says(text: string) {
  s.provider.onCall = (call) => void call.say(text).done();
}

describe('/api/cache-stats', () => {
  it('has exactly the agreed shape, with measured numbers', async () => {
    s = await chatServer();
    says('x');
    await chat({ ...HELLO, stream: false });
    await chat({ ...HELLO, stream: false });
    const stats = await (await fetch(`${s.url}/api/cache-stats`)).json();
    expect(serverStatsSchema.strict().parse(stats)).toMatchObject({
      response_cache: { total_entries: 1, hits: 1, misses: 1, hit_rate: 0.5, miss_rate: 0.5, evictions: 0 },
      batch_processor: {
        total_requests: 2,
        cached_responses: 1,
        deduplicated_requests: 0,
        batches_processed: 1,
        average_batch_size: 1,
        cache_hit_rate: 50,
        deduplication_rate: 0,
      },
      queue_length: 0,
      is_processing: false,
      latency: { total_ms: { p50: 0, p95: 0, p99: 0 } },
    });
    const exposition = await (await fetch(`${s.url}/api/metrics`)).text();
    expect(exposition).toContain('chill_space_cache_lookups_total{result="hit"} 1');
    expect(exposition).toContain('chill_space_cache_lookups_total{result="miss"} 1');
    expect(exposition).toContain('chill_space_tokens_total{kind="completion"} 5');
  });

  it('clears caches, and says how many entries went', async () => {
    s = await chatServer();
    says('x');
    await chat({ ...HELLO, stream: false, conversation_id: 'c' });
    const act = async (action: string) =>
      statsActionResultSchema.parse(await (await postJson(`${s.url}/api/cache-stats`, { action })).json());
    expect((await act('clear_conversation_cache')).cleared_entries).toBe(1);
    expect(await act('clear_response_cache')).toMatchObject({ success: true, cleared_entries: 1 });
    expect((await act('clear')).cleared_entries).toBe(0);
    expect(await failureOf(postJson(`${s.url}/api/cache-stats`, { action: 'x' }))).toMatchObject({ status: 400 });
  });

  it('warms a model, and says why where it cannot be loaded', async () => {
    s = await chatServer();
    const warmed = await postJson(`${s.url}/api/cache-stats`, { action: 'warm_model', data: { model: 'm' } });
    expect(await warmed.json()).toMatchObject({ success: true, model: 'm', load_duration_ms: 12 });
    s.provider.loadFault = new AppError('model_not_found', 'Get it with `ollama pull m`.');
    const failed = await failureOf(postJson(`${s.url}/api/cache-stats`, { action: 'warm_model' }));
    expect(failed).toMatchObject({ status: 502, code: 'model_load_failed', error: 'Get it with `ollama pull m`.' });
  });
});

describe('GET /api/models and /api/ready', () => {
  it('list what there is, and tell each part’s state', async () => {
    s = await chatServer();
    expect(modelsSchema.parse(await (await fetch(`${s.url}/api/models`)).json()).models).toHaveLength(2);
    s.provider.checkFault = new AppError('provider_unavailable', 'Start it with `ollama serve`.');
    const response = await httpRequest(`${s.url}/api/ready`);
    expect([response.statusCode, response.headers['retry-after']]).toEqual([503, '5']);
    expect(await response.body.json()).toMatchObject({
      status: 'not_ready',
      parts: { model: { state: 'down', detail: 'Start it with `ollama serve`.' } },
    });
  });
});
