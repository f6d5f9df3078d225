import { describe, expect, it } from 'vitest';
import { AppError } from '#lib/errors';
import { member } from '#lib/http/principal';
import { engineHarness, settled } from '../../test/support/chat.ts';

describe('the counters of the chat engine', () => {
  it('count arrivals, cache hits, tokens as they arrive, and how requests end', async () => {
    const b = engineHarness({ QUEUE_MAX_CONCURRENT: '4' });
    const first = await b.submit('one');
    b.engine.read(first, () => undefined);
    const joined = await b.submit('one');
    b.engine.read(joined, () => undefined);
    await settled();
    b.provider.last.say('a').say('b');
    await settled();
    expect(b.engine.counters()).toEqual({
      ...{ requests: 2, lookups: 2, hits: 0, completed: 0, failed: 0, cancelled: 0, tokens: 2 },
    });
    expect(b.engine.load).toEqual({ running: 1, waiting: 0 });
    expect(b.engine.overview(member('ann')).processing[0]?.tokens).toBe(2);
    expect(b.engine.overview(member('ann')).is_average_measured).toBe(false);
    b.provider.last.done();
    await settled();
    // The model server's own count replaces that of the pieces.
    expect(b.engine.counters()).toMatchObject({ completed: 2, tokens: 5 });
    expect(b.engine.overview(member('ann')).is_average_measured).toBe(true);
    await b.submit('one');
    expect(b.engine.counters()).toMatchObject({ requests: 3, lookups: 3, hits: 1, completed: 2 });
    b.engine.close();
  });

  it('count a request that was cancelled, by its caller or because its reader left, once', async () => {
    const b = engineHarness({ DISCONNECT_GRACE_MS: '1000' });
    const cancelled = await b.submit('one');
    b.engine.cancel(cancelled.id, 'ann');
    const left = await b.submit('two');
    b.engine.read(left, () => undefined)();
    await b.clock.advance(1_001);
    expect(b.engine.counters()).toMatchObject({ requests: 2, cancelled: 2, failed: 0, completed: 0 });
    b.engine.close();
  });

  it('count what the server or a model failed, and not what the request itself got wrong', async () => {
    let fault: AppError | undefined;
    const b = engineHarness({ QUEUE_MAX_CONCURRENT: '1', QUEUE_MAX_SIZE: '1' });
    const failing = engineHarness(
      {},
      {
        directory: {
          resolve: async () => {
            throw fault;
          },
        },
      },
    );
    fault = new AppError('provider_unavailable', 'The model server is away.');
    await expect(failing.submit('one')).rejects.toThrow('away');
    fault = new AppError('model_not_found', 'There is no such model.');
    await expect(failing.submit('one')).rejects.toThrow('no such model');
    expect(failing.engine.counters()).toMatchObject({ requests: 2, failed: 1 });

    b.engine.read(await b.submit('one'), () => undefined);
    b.engine.read(await b.submit('two'), () => undefined);
    await expect(b.submit('three')).rejects.toThrow('waiting');
    await settled();
    expect(b.engine.counters()).toMatchObject({ requests: 3, failed: 1 });
    b.provider.last.fail(new AppError('upstream_failed', 'It broke.'));
    await settled();
    expect(b.engine.counters()).toMatchObject({ failed: 2, completed: 0 });
    b.engine.close();
    failing.engine.close();
  });
});
