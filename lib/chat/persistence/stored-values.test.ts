import { describe, expect, it } from 'vitest';
import type { CompletedResponse } from '#lib/chat/generation/completed-response';
import { member } from '#lib/http/principal';
import { decodeSubmitter, encodeSubmitter } from './saved-request-format.ts';
import { decodeEmbedding, encodeEmbedding } from './stored-embedding.ts';
import { decodeResponse, encodeResponse } from './stored-response.ts';

const RESPONSE: CompletedResponse = {
  content: 'é\u0000\u2028"\ud800',
  thinking: '',
  tool_calls: [{ function: { arguments: { b: 1, a: [null] }, name: 'f' }, id: 'call' }],
  logprobs: [{ token: 'é', logprob: -0.5, bytes: [195], top_logprobs: null }],
  model: 'm:1',
  done_reason: 'stop',
  usage: { prompt_tokens: 3, completion_tokens: 5, prompt_truncated: true },
  durations: { eval_ns: 7 },
  context: [1, 2],
  stop_sequence: '\n',
};

describe('a stored response', () => {
  it('is the same, byte for byte', () => {
    const decoded = decodeResponse(encodeResponse(RESPONSE));
    expect(decoded).toEqual(RESPONSE);
    expect(JSON.stringify(decoded)).toBe(JSON.stringify(RESPONSE));
  });

  it.each([
    ['cut bytes', encodeResponse(RESPONSE).subarray(0, 40)],
    ['another value', Buffer.from('[1]')],
    ['a missing field', Buffer.from(JSON.stringify({ ...RESPONSE, usage: undefined }))],
    ['a wrong type', Buffer.from(JSON.stringify({ ...RESPONSE, content: 7 }))],
    ['nothing', Buffer.alloc(0)],
  ])('is refused for %s', (_what, bytes) => {
    expect(decodeResponse(bytes)).toBeUndefined();
  });
});

describe('a stored embedding', () => {
  it.each([
    ['single', Float32Array.of(0.25, -1e-3, 3e38)],
    ['double', Float64Array.of(0.1, -1 / 3)],
  ])('has the same numbers in %s precision', (_precision, vector) => {
    const bytes = encodeEmbedding({ vector, promptTokens: 4_000_000_000 });
    // Behind another byte, as a database may return it.
    const moved = Buffer.concat([Buffer.alloc(1), bytes]).subarray(1);
    expect(decodeEmbedding(moved)).toEqual({ vector, promptTokens: 4_000_000_000 });
  });

  it.each([
    ['cut bytes', encodeEmbedding({ vector: Float32Array.of(1, 2), promptTokens: 1 }).subarray(0, 14)],
    ['no numbers', Buffer.alloc(8, 4)],
    ['another width', Buffer.alloc(16, 3)],
    ['nothing', Buffer.alloc(0)],
  ])('is refused for %s', (_what, bytes) => {
    expect(decodeEmbedding(bytes)).toBeUndefined();
  });
});

describe('a stored submitter', () => {
  it('has who sent the request, with its rights', () => {
    const principal = member('user:ada', { userId: 'ada', groupId: 'lab', models: new Set(['small']) });
    const stored = encodeSubmitter({ caller: principal.caller, principal, dropParams: true, bodyBytes: 12 });
    expect(decodeSubmitter(stored, principal.caller)).toEqual({
      caller: 'user:ada',
      principal,
      dropParams: true,
      bodyBytes: 12,
    });
  });

  it('of before there were principals has none', () => {
    expect(decodeSubmitter('{}', 'key:a')).toEqual({ caller: 'key:a' });
  });

  it('is refused with a role that there is not', () => {
    const stored = JSON.stringify({ principal: { caller: 'a', role: 'king', scopes: [], maxPriority: 0 } });
    expect(() => decodeSubmitter(stored, 'a')).toThrow();
  });
});
