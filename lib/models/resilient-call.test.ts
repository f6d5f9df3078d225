import { describe, expect, it } from 'vitest';
import { AppError } from '#lib/errors';
import { callWithRetries, withTimeout } from '#lib/models/resilient-call';

const limits = { UPSTREAM_RETRIES: 2, UPSTREAM_TOTAL_TIMEOUT_MS: 60_000 };
const never = new AbortController().signal;
const failing = (code: 'upstream_failed' | 'model_not_found', times: number) => {
  let calls = 0;
  return {
    call: async () => {
      calls += 1;
      if (calls <= times) throw new AppError(code, 'No.');
      return calls;
    },
    calls: () => calls,
  };
};

describe('a call of a model server', () => {
  it('is made again after transient errors, as often as the setting says', async () => {
    expect(await callWithRetries(failing('upstream_failed', 2).call, limits, never)).toBe(3);
    const more = failing('upstream_failed', 3);
    await expect(callWithRetries(more.call, limits, never)).rejects.toMatchObject({ code: 'upstream_failed' });
    expect(more.calls()).toBe(3);
  });

  it('is not made again after an error of the request, or a long wait that the server asks for', async () => {
    const refused = failing('model_not_found', 1);
    await expect(callWithRetries(refused.call, limits, never)).rejects.toMatchObject({ code: 'model_not_found' });
    expect(refused.calls()).toBe(1);
    let calls = 0;
    const busy = async () => {
      calls += 1;
      throw new AppError('provider_unavailable', 'Busy.', { upstream: { waitSeconds: 60 } });
    };
    await expect(callWithRetries(busy, limits, never)).rejects.toMatchObject({ code: 'provider_unavailable' });
    expect(calls).toBe(1);
  });

  it('ends with the reason of its signal, and with a timeout', async () => {
    const abort = new AbortController();
    const waiting = (signal: AbortSignal) =>
      new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    const call = callWithRetries(waiting, limits, abort.signal);
    const reason = new Error('left');
    abort.abort(reason);
    await expect(call).rejects.toBe(reason);
    await expect(withTimeout(waiting, 1, never)).rejects.toMatchObject({ code: 'upstream_timeout' });
  });
});
