import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AppError, type UpstreamFailure } from '#lib/errors';
import type { ModelEvent, ModelEventListener, ModelProvider, ModelRequest } from '#lib/models/provider';
import { createResilientChat, type ResilientChat } from '#lib/models/resilience';
import type { ErrorCode } from '#lib/wire/error';
import { eventsOf } from '../../test/support/model-events.ts';

const REQUEST: ModelRequest = { model: 'm', messages: [{ role: 'user', content: 'x' }], options: {} };
const LIMITS = {
  UPSTREAM_RETRIES: 2,
  UPSTREAM_FIRST_TOKEN_TIMEOUT_MS: 1_000,
  UPSTREAM_IDLE_TIMEOUT_MS: 500,
  UPSTREAM_TOTAL_TIMEOUT_MS: 5_000,
};
const TEXT: ModelEvent = { type: 'content', text: 'a' };
const DONE: ModelEvent = { type: 'done', done_reason: 'stop', usage: { prompt_tokens: 1, completion_tokens: 1 } };

/** What one call does: events, pauses in ms, faults. */
type Act = ModelEvent | number | Error;

class Scripted implements ModelProvider {
  readonly id = 'ollama';
  readonly signals: AbortSignal[] = [];
  /** When, in ms. */
  readonly asked: number[] = [];
  readonly #calls: Act[][];

  constructor(...calls: Act[][]) {
    this.#calls = calls;
  }

  async chat(_request: ModelRequest, signal: AbortSignal, emit: ModelEventListener): Promise<void> {
    this.asked.push(Date.now());
    const acts = this.#calls[Math.min(this.signals.length, this.#calls.length - 1)] ?? [];
    this.signals.push(signal);
    for (const act of acts) {
      if (act instanceof Error) throw act;
      if (typeof act === 'number') await new Promise((resolve) => setTimeout(resolve, act));
      else emit(act);
    }
  }

  models = async () => [];
  load = async () => ({ load_duration_ms: 0 });
  check = async () => {};
  close = async () => {};
}

function responseOf(chat: ResilientChat, provider: ModelProvider, request = REQUEST, signal?: AbortSignal) {
  return eventsOf((inner, emit) => chat(provider, request, inner, emit), signal);
}

const fault = (code: ErrorCode) => new AppError(code, `it is ${code}`);

/** Reads the response to its end while time passes. */
async function run(provider: ModelProvider, chat = createResilientChat(LIMITS), signal = new AbortController().signal) {
  const events: ModelEvent[] = [];
  const ended = (async () => {
    for await (const event of responseOf(chat, provider, REQUEST, signal)) events.push(event);
  })().then(
    () => undefined,
    (error: unknown) => error as AppError,
  );
  await vi.advanceTimersByTimeAsync(60_000);
  return { events, error: await ended };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('resilientChat', () => {
  it('retries before the first event, and yields one response', async () => {
    const provider = new Scripted([fault('provider_unavailable')], [fault('upstream_failed')], [TEXT, DONE]);
    expect(await run(provider)).toEqual({ events: [TEXT, DONE], error: undefined });
    expect(provider.signals).toHaveLength(3);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('stops after UPSTREAM_RETRIES', async () => {
    const provider = new Scripted([fault('upstream_failed')]);
    expect((await run(provider)).error?.code).toBe('upstream_failed');
    expect(provider.signals).toHaveLength(3);
  });

  it('never retries after the first event', async () => {
    const provider = new Scripted([TEXT, fault('upstream_failed')]);
    const { events, error } = await run(provider);
    expect([events, error?.code]).toEqual([[TEXT], 'upstream_failed']);
    expect(provider.signals).toHaveLength(1);
  });

  it.each<ErrorCode>(['model_not_found', 'unsupported_value', 'not_configured'])(
    'does not ask again after %s',
    async (code) => {
      const provider = new Scripted([fault(code)]);
      expect((await run(provider)).error?.code).toBe(code);
      expect(provider.signals).toHaveLength(1);
    },
  );

  it.each<[what: string, acts: Act[], sentence: RegExp, events: number]>([
    ['first token', [1_001, TEXT, DONE], /no first token within 1 seconds/, 0],
    ['silence', [TEXT, 501, TEXT, DONE], /nothing more.*within 0.5 seconds/, 1],
    ['whole response', Array.from({ length: 40 }, () => [400, TEXT]).flat(), /did not finish within 5 seconds/, 12],
  ])('bounds the %s and ends the request upstream', async (_what, acts, sentence, count) => {
    const provider = new Scripted(acts);
    const { events, error } = await run(provider);
    expect(error?.code).toBe('upstream_timeout');
    expect(error?.message).toMatch(sentence);
    expect(events).toHaveLength(count);
    expect(provider.signals.map(({ aborted }) => aborted)).toEqual([true]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('opens the breaker of a provider after five failures, and repeats the reason', async () => {
    const chat = createResilientChat({ ...LIMITS, UPSTREAM_RETRIES: 0 });
    const provider = new Scripted(...Array.from({ length: 5 }, () => [fault('provider_unavailable')]), [TEXT, DONE]);
    const attempt = async () => {
      try {
        return await Array.fromAsync(responseOf(chat, provider));
      } catch (error) {
        return error as AppError;
      }
    };
    for (let i = 0; i < 5; i++) await attempt();
    expect(await attempt()).toMatchObject({
      code: 'provider_unavailable',
      message: 'it is provider_unavailable',
      retryAfterSeconds: 5,
    });
    expect(provider.signals).toHaveLength(5);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(await attempt()).toEqual([TEXT, DONE]);
  });

  /** How two models end after five failures of one of them. */
  async function otherAfterBad(bad: Error) {
    const chat = createResilientChat({ ...LIMITS, UPSTREAM_RETRIES: 0 });
    const provider = new Scripted(...Array.from({ length: 5 }, () => [bad]), [TEXT, DONE]);
    const ask = async (model: string) => {
      const events = responseOf(chat, provider, { ...REQUEST, model });
      return await Array.fromAsync(events).catch((error: unknown) => error as AppError);
    };
    for (let i = 0; i < 5; i++) await ask('bad');
    return { other: await ask('other'), bad: await ask('bad') };
  }

  const withState = (code: ErrorCode, upstream: UpstreamFailure) => new AppError(code, `it is ${code}`, { upstream });

  it.each([
    ['busy', withState('provider_unavailable', {})],
    ['slow', fault('upstream_timeout')],
  ])('leaves only the model alone that is %s', async (_what, bad) => {
    expect(await otherAfterBad(bad)).toMatchObject({
      other: [TEXT, DONE],
      bad: { code: 'provider_unavailable', message: bad.message },
    });
  });

  it('opens no breaker for a rate limit', async () => {
    const limited = withState('provider_unavailable', { isRateLimited: true });
    expect(await otherAfterBad(limited)).toEqual({ other: [TEXT, DONE], bad: [TEXT, DONE] });
  });

  it('opens the breaker of all models of an unreachable server', async () => {
    const refused = { code: 'provider_unavailable', message: 'it is provider_unavailable' };
    const unreached = withState('provider_unavailable', { isUnreached: true });
    expect(await otherAfterBad(unreached)).toMatchObject({ other: refused, bad: refused });
  });

  it('waits for Retry-After, and does not retry if that is too long', async () => {
    const limited = (waitSeconds: number) => withState('provider_unavailable', { isRateLimited: true, waitSeconds });
    const soon = new Scripted([limited(2)], [TEXT, DONE]);
    expect((await run(soon)).events).toEqual([TEXT, DONE]);
    expect((soon.asked[1] ?? 0) - (soon.asked[0] ?? 0)).toBeGreaterThanOrEqual(2_000);
    const late = new Scripted([limited(30)], [TEXT, DONE]);
    expect((await run(late)).error?.code).toBe('provider_unavailable');
    expect(late.asked).toHaveLength(1);
  });

  it('keeps other models available if one model fails', async () => {
    const chat = createResilientChat({ ...LIMITS, UPSTREAM_RETRIES: 0 });
    const provider = new Scripted(...Array.from({ length: 20 }, () => [fault('upstream_failed')]), [TEXT, DONE]);
    for (let i = 0; i < 20; i++) await run(provider, chat);
    expect((await run(provider, chat)).events).toEqual([TEXT, DONE]);
  });

  it.each<[when: string, acts: Act[]]>([
    ['while it waits for the first token', [900, TEXT]],
    ['between two tokens', [TEXT, 400, DONE]],
    // The usual wait is random and may be over at once.
    ['while it waits to ask again', [new AppError('provider_unavailable', 'busy', { upstream: { waitSeconds: 1 } })]],
  ])('ends at once with the caller’s reason %s', async (_when, acts) => {
    const provider = new Scripted(acts);
    const caller = new AbortController();
    const reason = new Error('left');
    const response = Array.fromAsync(responseOf(createResilientChat(LIMITS), provider, REQUEST, caller.signal)).catch(
      (e: unknown) => e,
    );
    await vi.advanceTimersByTimeAsync(10);
    caller.abort(reason);
    expect(await response).toBe(reason);
    expect(provider.signals[0]?.aborted).toBe(true);
  });

  it('ends the request upstream when its reader leaves', async () => {
    const provider = new Scripted([TEXT, 400, DONE]);
    for await (const _ of responseOf(createResilientChat(LIMITS), provider)) break;
    expect(provider.signals[0]?.aborted).toBe(true);
  });
});

describe('guard', () => {
  const never = new AbortController().signal;

  it('calls again after transient errors, as often as it is to, and not after others', async () => {
    const chat = createResilientChat(LIMITS);
    const provider = new Scripted();
    let calls = 0;
    const failing =
      (code: ErrorCode, upstream: UpstreamFailure = {}) =>
      async () => {
        calls += 1;
        throw new AppError(code, 'No.', { upstream });
      };
    const count = async (call: () => Promise<never>, retries?: number) => {
      calls = 0;
      const failed = chat.guard?.(provider, 'm', call, never, retries).catch((error: unknown) => error);
      await vi.advanceTimersByTimeAsync(20_000);
      expect(await failed).toBeInstanceOf(AppError);
      return calls;
    };
    expect(await count(failing('upstream_failed'))).toBe(3);
    expect(await count(failing('upstream_failed'), 0)).toBe(1);
    expect(await count(failing('model_not_found'))).toBe(1);
    expect(await count(failing('provider_unavailable', { waitSeconds: 60 }))).toBe(1);
    expect(await chat.guard?.(provider, 'm', async () => 'result', never)).toBe('result');
  });

  it('has the circuit breakers of chats, and ends with the reason of its signal', async () => {
    const chat = createResilientChat({ ...LIMITS, UPSTREAM_RETRIES: 0 });
    const provider = new Scripted([TEXT, DONE]);
    const fails = async () => {
      throw fault('provider_unavailable');
    };
    for (let call = 0; call < 5; call++) await expect(chat.guard?.(provider, 'm', fails, never)).rejects.toThrow();
    const chatted = chat(provider, REQUEST, never, () => {});
    await expect(chatted).rejects.toMatchObject({
      code: 'provider_unavailable',
      message: 'it is provider_unavailable',
    });
    expect(provider.signals).toHaveLength(0);
    const called = vi.fn(async () => 'x');
    await expect(chat.guard?.(provider, 'm', called, never)).rejects.toMatchObject({ code: 'provider_unavailable' });
    await expect(chat.guard?.(provider, 'other', called, never)).resolves.toBe('x');
    expect(called).toHaveBeenCalledTimes(1);
    const abort = new AbortController();
    const left = chat.guard?.(provider, 'other', () => new Promise<never>(() => {}), abort.signal);
    abort.abort(new Error('left'));
    await expect(left).rejects.toThrow('left');
  });
});
