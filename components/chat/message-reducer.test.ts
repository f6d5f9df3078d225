import { describe, expect, it } from 'vitest';
import type { ChatEvent } from '#lib/wire/chat';
import type { AssistantMessage } from './conversation.ts';
import { applyEvent, type ReadEvent, resetForReplay, thinkingDurationMs, withCacheHeader } from './message-reducer.ts';
import { continued, markFailed, markStopped, newResponse } from './response-states.ts';

const asked = newResponse('a', 'c', 'q', 1_000);

function read(events: ReadEvent[], from: AssistantMessage = asked): AssistantMessage {
  return events.reduce((message, event, index) => applyEvent(message, event, 2_000 + index * 1_000), from);
}

describe('applyEvent', () => {
  it('knows while the server does not reach the one that writes, until the next event', () => {
    const lost: ReadEvent = { request_id: 'r', connection_lost: true, done: false };
    const begun: ReadEvent[] = [{ content: 'Ru', done: false }, lost];
    const cut = read(begun);
    expect(cut).toMatchObject({ state: 'streaming', content: 'Ru', isCutOff: true });
    expect(applyEvent(cut, lost, 9_000)).toBe(cut);
    for (const next of [{ ...lost, connection_lost: false }, { content: 'st', done: false }, { done: true }])
      expect(read([...begun, next])).not.toHaveProperty('isCutOff');
  });

  it('goes through waiting, reasoning, streaming and done', () => {
    const queued: ChatEvent = {
      request_id: 'r',
      status: 'queued',
      queue_position: 2,
      queue_length: 5,
      estimated_wait_time: 60_000,
      done: false,
      cached: false,
    };
    expect(read([queued])).toMatchObject({
      state: 'waiting',
      requestId: 'r',
      queue: { position: 2, length: 5, waitMs: 60_000 },
    });
    expect(read([{ ...queued, model_server: 'gpu-b' }])).toMatchObject({ queue: { server: 'gpu-b' } });
    const share = { name: 'tokens_per_day', used: 130, limit: 100, over_percent: 30, ahead: 2 } as const;
    expect(read([{ ...queued, share }])).toMatchObject({ queue: { share } });
    const done = read([
      queued,
      { thinking: 'hm', done: false },
      { thinking: 'm', done: false },
      { content: 'Ru', done: false },
      { content: 'st', done: false },
      {
        done: true,
        request_id: 'r',
        model: 'm',
        done_reason: 'stop',
        usage: { prompt_tokens: 3, completion_tokens: 21 },
        timings: { queued_ms: 100, first_token_ms: 500, total_ms: 2_500 },
      },
    ]);
    expect(done).toMatchObject({
      state: 'done',
      content: 'Rust',
      thinking: 'hmm',
      model: 'm',
      source: 'model',
      completionTokens: 21,
      firstTokenMs: 500,
      tokensPerSecond: 10,
    });
    expect(done.queue).toBeUndefined();
    expect(thinkingDurationMs(done, 99_000)).toBe(2_000);
  });

  it('measures reasoning while it lasts', () => {
    expect(thinkingDurationMs(read([{ thinking: 'hm', done: false }]), 5_000)).toBe(3_000);
    expect(thinkingDurationMs(asked, 5_000)).toBeUndefined();
  });

  it('returns the same object for a keep-alive event', () => {
    const message = read([{ content: 'x', done: false }]);
    expect(applyEvent(message, { done: false, cached: false }, 9_000)).toBe(message);
  });

  it('recognises a cached response by event or header, without a token rate', () => {
    const event: ChatEvent = {
      done: true,
      cached: true,
      usage: { prompt_tokens: 1, completion_tokens: 50 },
      timings: { queued_ms: 0, first_token_ms: 1, total_ms: 2 },
    };
    const message = read([{ content: 'x', done: false, cached: true }, event]);
    expect(message.source).toBe('cached');
    expect(message.tokensPerSecond).toBeUndefined();
    expect(withCacheHeader(asked, 'hit').source).toBe('cached');
    expect(withCacheHeader(asked, 'joined').source).toBe('joined');
    expect(withCacheHeader(asked, 'miss')).toBe(asked);
  });

  it('has no token rate for a shared response', () => {
    const shared = withCacheHeader(asked, 'joined');
    const event: ChatEvent = {
      done: true,
      usage: { prompt_tokens: 1, completion_tokens: 50 },
      timings: { queued_ms: 0, first_token_ms: 1, total_ms: 1_000 },
    };
    expect(read([event]).tokensPerSecond).toBeGreaterThan(1);
    expect(read([event], shared).tokensPerSecond).toBeUndefined();
  });

  it('counts what arrived of a stopped response, and names who cancelled it', () => {
    const half = read([
      { content: 'a', done: false },
      { content: 'b', done: false },
    ]);
    expect(markStopped(half, 4_000)).toMatchObject({ pieces: 2 });
    const own: ChatEvent = { done: true, error: 'x', code: 'cancelled' };
    expect(read([own], half).cancelledBy).toBeUndefined();
    expect(read([{ ...own, data: { cancelled_by: 'operator' } }], half)).toMatchObject({
      state: 'stopped',
      cancelledBy: 'operator',
    });
    const ended: ChatEvent = { ...own, data: { cancelled_by: 'operator', reason: 'locked_out' } };
    expect(read([ended], half).cancelledBy).toBe('lock-out');
  });

  it('appends a continuation, and begins it again without the text before it', () => {
    const usage = { prompt_tokens: 1, completion_tokens: 3 };
    const cut = read([
      { content: 'one, ', done: false },
      { done: true, done_reason: 'length', usage },
    ]);
    const next = continued(cut, 'r2');
    expect(next).toMatchObject({ state: 'waiting', content: 'one, ', requestId: 'r2' });
    expect(next.doneReason).toBeUndefined();
    const more = read([{ content: 'two', done: false }], next);
    expect(more.content).toBe('one, two');
    expect(resetForReplay(more).content).toBe('one, ');
    expect(read([{ done: true, done_reason: 'stop', usage }], more)).toMatchObject({ completionTokens: 6 });
  });

  it('drops the text before a response that begins again', () => {
    const half = read([{ content: 'half', done: false }]);
    const again = read([{ restarted: true, done: false }], { ...half, lastEventId: '1' });
    expect(again).toMatchObject({ state: 'waiting', content: '' });
    expect(again.lastEventId).toBeUndefined();
    expect(read([{ content: 'whole', done: false }], again).content).toBe('whole');
  });

  it('keeps received text when it fails or is stopped', () => {
    const half = read([
      { thinking: 'hm', done: false },
      { content: 'half', done: false },
    ]);
    expect(read([{ done: true, error: 'The model went away.', code: 'upstream_failed' }], half)).toMatchObject({
      state: 'failed',
      content: 'half',
      failure: { message: 'The model went away.', code: 'upstream_failed' },
    });
    expect(markStopped(half, 4_000)).toMatchObject({ state: 'stopped', content: 'half' });
    expect(
      markFailed(half, { message: 'Full.', code: 'queue_full', retryAfterSeconds: 3 }, 4_000).failure?.retryAt,
    ).toBe(7_000);
  });
});
