import { beforeEach, describe, expect, it } from 'vitest';
import { EmbeddingService, type EmbeddingSubmitter } from '#lib/chat/embeddings/embedding-service';
import { readConfig } from '#lib/config/config';
import { AppError } from '#lib/errors';
import type { Allowance } from '#lib/http/request-limits';
import type { EmbedInput, EmbedRequest, EmbedResult } from '#lib/models/embedding';
import { ModelServer } from '#lib/models/model-server';
import type { ModelProvider } from '#lib/models/provider';
import { ManualClock, ScriptedProvider, settled } from '../../../test/support/chat.ts';

/** A provider whose vectors hold the lengths of their inputs, and that counts as many tokens. */
class Embedder extends ScriptedProvider {
  readonly batches: (readonly EmbedInput[])[] = [];
  readonly signals: AbortSignal[] = [];
  /** What the next batches wait for. */
  held: Promise<void> | undefined;
  refuse: ((input: EmbedInput) => boolean) | undefined;

  async embed({ inputs }: EmbedRequest, signal: AbortSignal): Promise<EmbedResult> {
    this.batches.push(inputs);
    this.signals.push(signal);
    const aborted = new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    aborted.catch(() => {});
    if (this.held !== undefined) await Promise.race([this.held, aborted]);
    if (inputs.some((input) => this.refuse?.(input) === true))
      throw new AppError('context_length_exceeded', 'An input is too long.');
    const vectors = inputs.map((input) => Float32Array.of(input.length, 1));
    return { vectors, promptTokens: inputs.reduce((sum, input) => sum + input.length, 0) };
  }
}

let provider: Embedder;
let clock: ManualClock;

beforeEach(() => {
  provider = new Embedder();
  clock = new ManualClock();
});

function serviceOf(environment: Record<string, string> = {}) {
  const settings = readConfig({ UPSTREAM_RETRIES: '0', ...environment });
  return new EmbeddingService({
    settings,
    clock,
    runTask: (task, work) =>
      work(task.provider ?? provider, task.signal, 'embedder', { guard: (call) => call(), begin: () => {} }),
  });
}

const by = (fields: Partial<EmbeddingSubmitter> = {}): EmbeddingSubmitter => ({
  caller: 'ann',
  requestId: 'r',
  policy: { reads: true, stores: true },
  signal: new AbortController().signal,
  ...fields,
});
const request = (inputs: readonly EmbedInput[], more: Partial<EmbedRequest> = {}): EmbedRequest => ({
  model: 'embedder',
  inputs,
  ...more,
});
const lengths = ({ vectors }: { vectors: readonly ArrayLike<number>[] }) => vectors.map((vector) => vector[0]);

describe('embeddings', () => {
  it('come in the order of the inputs, and equal inputs are sent once', async () => {
    const response = await serviceOf().embed(provider, request(['bbb', 'a', 'bbb', 'cc']), by());
    expect(lengths(response)).toEqual([3, 1, 3, 2]);
    expect(provider.batches).toEqual([['bbb', 'a', 'cc']]);
    expect(response).toMatchObject({ cacheStatus: 'miss', ignoredFields: [] });
  });

  it('are taken from the cache by single input, with the tokens that were counted', async () => {
    const service = serviceOf();
    const first = await service.embed(provider, request(['a', 'bbb']), by());
    const second = await service.embed(provider, request(['bbb', 'new', 'a']), by());
    expect(provider.batches).toEqual([['a', 'bbb'], ['new']]);
    expect(lengths(second)).toEqual([3, 3, 1]);
    expect([first.promptTokens, second.promptTokens]).toEqual([4, 7]);
    const third = await service.embed(provider, request(['a', 'bbb']), by());
    expect(third).toMatchObject({ cacheStatus: 'hit', promptTokens: 4 });
    expect(service.stats()).toMatchObject({ total_entries: 3, hits: 4, misses: 3 });
    expect(service.clear()).toBe(3);
  });

  it('differ by every field that can change a vector, and by no other', async () => {
    const service = serviceOf();
    const fields: Partial<EmbedRequest>[] = [
      {},
      { model: 'other' },
      { dimensions: 2 },
      { truncate: false },
      { options: { num_ctx: 512 } },
      { isRaw: true },
      { extra: { input_type: 'query' } },
    ];
    for (const more of fields) await service.embed(provider, request(['a'], more), by());
    expect(provider.batches).toHaveLength(fields.length);
    await service.embed(provider, request(['a'], { truncate: true, keepAlive: '5m', user: 'x', options: {} }), by());
    await service.embed(provider, request(['a'], { options: { num_ctx: 512 } }), by());
    expect(provider.batches).toHaveLength(fields.length);
    await service.embed(provider, request([[97]]), by()).catch(() => undefined);
  });

  it('of one caller are not those of another with CACHE_SCOPE=caller', async () => {
    const service = serviceOf({ CACHE_SCOPE: 'caller' });
    await service.embed(provider, request(['a']), by());
    await service.embed(provider, request(['a']), by({ caller: 'bob' }));
    expect(provider.batches).toHaveLength(2);
  });

  it('are read neither from the cache nor from others with no-cache, and stored', async () => {
    const service = serviceOf();
    await service.embed(provider, request(['a']), by());
    expect(await service.embed(provider, request(['a']), by({ policy: { reads: false, stores: true } }))).toMatchObject(
      {
        cacheStatus: 'bypass',
      },
    );
    expect(provider.batches).toHaveLength(2);
    const off = serviceOf({ CACHE_ENABLED: 'false' });
    await off.embed(provider, request(['a']), by());
    expect(await off.embed(provider, request(['a']), by())).toMatchObject({ cacheStatus: 'bypass' });
    expect(provider.batches).toHaveLength(4);
  });

  it('are joined while they are under way', async () => {
    const service = serviceOf();
    const held = Promise.withResolvers<void>();
    provider.held = held.promise;
    const first = service.embed(provider, request(['a', 'bb']), by());
    const second = service.embed(provider, request(['bb', 'a']), by({ caller: 'bob' }));
    const third = service.embed(provider, request(['bb', 'ccc']), by());
    held.resolve();
    expect(lengths(await first)).toEqual([1, 2]);
    expect(await second).toMatchObject({ cacheStatus: 'joined', promptTokens: 3 });
    expect(lengths(await third)).toEqual([2, 3]);
    expect(provider.batches).toEqual([['a', 'bb'], ['ccc']]);
  });

  it('are sent in batches of bounded size, whose sums are those of the whole', async () => {
    const inputs = Array.from({ length: 150 }, (_, index) => 'x'.repeat(index + 1));
    const response = await serviceOf().embed(provider, request(inputs), by());
    expect(provider.batches.map((batch) => batch.length)).toEqual([64, 64, 22]);
    expect(lengths(response)).toEqual(inputs.map(({ length }) => length));
    expect(response.promptTokens).toBe((150 * 151) / 2);
    const long = ['y'.repeat(200_000), 'z'.repeat(10), 'w'.repeat(131_070)];
    await serviceOf().embed(provider, request(long), by());
    expect(provider.batches.slice(3).map((batch) => batch.length)).toEqual([1, 1, 1]);
  });
});

describe('the batches of one request', () => {
  it('run at the same time on all servers that have the model, one for each slot', async () => {
    const server = (name: string, slots: number) =>
      new ModelServer({ provider, name, isNamed: true, url: `http://${name}:1`, slots, weight: 1, hasTags: false });
    const servers = [server('a', 2), server('b', 1), server('down', 4), server('other', 8)];
    Object.assign(servers[2] ?? {}, { downSince: 1 });
    servers[3]?.setModels([]);
    const targets = [{ model: 'embedder', servers }];
    const service = serviceOf({ QUEUE_MAX_CONCURRENT: '1' });
    const held = Promise.withResolvers<void>();
    provider.held = held.promise;
    const inputs = Array.from({ length: 320 }, (_, index) => `x${index}`);
    const done = service.embed(provider, request(inputs), by({ targets }));
    await settled();
    expect(provider.batches).toHaveLength(3);
    held.resolve();
    (await done).release();
    expect(provider.batches).toHaveLength(5);
  });
});

describe('a client of embeddings that leaves', () => {
  it('counts the tokens of a client that has left, and none of what it finds in the cache then', async () => {
    const service = serviceOf();
    const held = Promise.withResolvers<void>();
    provider.held = held.promise;
    const spent: number[] = [];
    const allowance: Allowance = {
      ...{ contextTokens: undefined, outputTokens: undefined, load: () => undefined },
      ...{ count: () => {}, uncount: () => {}, enter: () => () => {}, overrun: () => undefined },
      ...{ spendTokens: (tokens) => spent.push(tokens), spendCpu: () => {} },
    };
    const abort = new AbortController();
    const left = service.embed(provider, request(['abc']), by({ signal: abort.signal, allowance }));
    await settled();
    abort.abort(new Error('left'));
    await expect(left).rejects.toThrow('left');
    held.resolve();
    await settled();
    expect((await service.embed(provider, request(['abc']), by({ allowance }))).cacheStatus).toBe('hit');
    expect(spent).toEqual([3]);
  });

  it('holds no batch for the grace period once it has ended', async () => {
    const service = serviceOf();
    (await service.embed(provider, request(['one', 'two']), by())).release();
    expect(clock.pending).toBe(0);
  });

  it('ends its batches after the grace period, unless another needs an input of them', async () => {
    const service = serviceOf({ DISCONNECT_GRACE_MS: '1000' });
    provider.held = new Promise(() => {});
    const abort = new AbortController();
    const left = service.embed(provider, request(['a']), by({ signal: abort.signal }));
    const other = new AbortController();
    const stays = service.embed(provider, request(['bb']), by({ signal: other.signal }));
    const joins = service.embed(provider, request(['a']), by({ caller: 'bob' }));
    joins.catch(() => {});
    abort.abort(new Error('left'));
    other.abort(new Error('left'));
    await expect(left).rejects.toThrow('left');
    await expect(stays).rejects.toThrow('left');
    await clock.advance(999);
    expect(provider.signals.map(({ aborted }) => aborted)).toEqual([false, false]);
    await clock.advance(1);
    expect(provider.signals.map(({ aborted }) => aborted)).toEqual([false, true]);
    expect(clock.pending).toBe(0);
  });
});

describe('a batch that fails', () => {
  it('fails its own request, and the inputs that others joined are sent again', async () => {
    const service = serviceOf();
    const held = Promise.withResolvers<void>();
    provider.held = held.promise;
    provider.refuse = (input) => input === 'too long';
    const bad = service.embed(provider, request(['a', 'too long']), by());
    const good = service.embed(provider, request(['a']), by({ caller: 'bob' }));
    held.resolve();
    await expect(bad).rejects.toMatchObject({ code: 'context_length_exceeded' });
    expect(lengths(await good)).toEqual([1]);
    expect(provider.batches).toEqual([['a', 'too long'], ['a']]);
  });

  it('ends the other batches of its request at once', async () => {
    const service = serviceOf({ QUEUE_MAX_CONCURRENT: '2' });
    provider.refuse = (input) => input === 'x0';
    const embed = provider.embed.bind(provider);
    provider.embed = async (asked, signal) => {
      if (asked.inputs.includes('x64')) provider.held = new Promise(() => {});
      return await embed(asked, signal);
    };
    const inputs = Array.from({ length: 200 }, (_, index) => `x${index}`);
    await expect(service.embed(provider, request(inputs), by())).rejects.toMatchObject({
      code: 'context_length_exceeded',
    });
    await settled();
    expect(provider.batches).toHaveLength(2);
    expect(provider.signals[1]?.aborted).toBe(true);
  });
});

describe('the bound of embeddings under way', () => {
  it('is 128 MiB, half of it for one caller, and is freed', async () => {
    const service = serviceOf();
    const large = ['x'.repeat(20 * 1024 * 1024)];
    const first = await service.embed(provider, request(large), by());
    await expect(service.embed(provider, request(['y'.repeat(20 * 1024 * 1024)]), by())).rejects.toMatchObject({
      code: 'queue_full',
    });
    first.release();
    (await service.embed(provider, request(['y'.repeat(20 * 1024 * 1024)]), by())).release();
  });
});

describe('a provider without embeddings', () => {
  it('is an unsupported value, with what to set', async () => {
    const none: ModelProvider = new ScriptedProvider();
    await expect(serviceOf().embed(none, request(['a']), by())).rejects.toMatchObject({
      code: 'unsupported_value',
      message: expect.stringContaining('OLLAMA_API_URL'),
    });
  });

  it('of token ids says so', async () => {
    await expect(serviceOf().embed(provider, request([[1, 2]]), by())).rejects.toMatchObject({
      code: 'unsupported_value',
      details: [{ field: 'input', message: expect.stringContaining('token ids') }],
    });
  });
});
