import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { AppError } from '#lib/errors';
import { verifyCredentials, verifySignIn } from '#lib/http/auth';
import { parseBody, readJson } from '#lib/http/body';
import { MAX_FAILED_KEYS } from '#lib/http/failed-keys';
import { json } from '#lib/http/reply';
import { type RouteContext, route } from '#lib/http/route';
import {
  createSession,
  revokeSessions,
  SECURE_SESSION_COOKIE,
  SESSION_COOKIE,
  SESSION_SECONDS,
} from '#lib/http/session-cookie';
import { resetSingleton } from '#lib/singletons';
import { KIB, MIB } from '#lib/units';

const NOW = Date.UTC(2026, 0, 1);
const FIRST = 'first-key-of-sixteen';
const SECOND = 'second-key-of-sixteen';
const KEYS = [FIRST, SECOND];
const CONTEXT: RouteContext = { params: Promise.resolve({}), peerAddress: '10.0.0.1' };

beforeEach(() => {
  resetSingleton('http.failed-keys');
  resetSingleton('http.known-keys');
});

describe('wrong keys', () => {
  const bearer = (key: string) => new Headers({ authorization: `Bearer ${key}` });
  const cookie = (value: string) => new Headers({ cookie: `${SESSION_COOKIE}=${value}` });
  const limited = expect.objectContaining({ code: 'rate_limited', retryAfterSeconds: expect.any(Number) });
  const ask = (headers: Headers, address = '192.0.2.1') => verifyCredentials(headers, KEYS, address, NOW);

  it('ignores over TLS a cookie that another host of the domain may have set', () => {
    const tossed = `${SESSION_COOKIE}=${createSession(SECOND, NOW)}`;
    const own = `${SECURE_SESSION_COOKIE}=${createSession(FIRST, NOW)}`;
    const overTls = (sent: string) =>
      verifyCredentials(new Headers({ cookie: sent }), KEYS, '192.0.2.1', NOW, false, true)?.key;
    expect(ask(new Headers({ cookie: tossed }))?.key).toBe(SECOND);
    expect(overTls(tossed)).toBeUndefined();
    expect(overTls(`${tossed}; ${own}`)).toBe(FIRST);
    expect(overTls(`x=${own}; ${tossed}`)).toBeUndefined();
    expect(ask(new Headers({ cookie: `${tossed}; ${own}` }))?.key).toBe(FIRST);
  });

  const guess = (count = MAX_FAILED_KEYS, address?: string) => {
    for (let index = 0; index < count; index++) expect(ask(bearer(`wrong-${index}`), address)).toBeUndefined();
  };

  it('are counted per address over all ways to send them, and then block right keys too', () => {
    guess(MAX_FAILED_KEYS - 1);
    expect(verifySignIn('wrong', KEYS, '192.0.2.1')).toBeUndefined();
    for (const key of ['wrong', 'wrong-0', 'another', FIRST]) {
      expect(() => ask(bearer(key))).toThrow(limited);
      expect(() => verifySignIn(key, KEYS, '192.0.2.1')).toThrow(limited);
    }
    // A right cookie is ignored like a wrong one.
    for (const headers of [cookie(createSession(FIRST, NOW)), cookie('a.b.1.c'), new Headers()])
      expect(ask(headers)).toBeUndefined();
    expect(ask(bearer(FIRST), '192.0.2.2')).toEqual({ key: FIRST, isBearer: true });
  });

  it('are counted for x-api-key too, and a right one there counts next to a wrong Authorization', () => {
    const shown = (key: string, authorization?: string) =>
      new Headers({ 'x-api-key': key, ...(authorization === undefined ? {} : { authorization }) });
    expect(ask(shown(FIRST))).toEqual({ key: FIRST, isBearer: true });
    expect(ask(shown(SECOND, 'Bearer wrong'))).toEqual({ key: SECOND, isBearer: true });
    expect(ask(shown('wrong'))).toBeUndefined();
    // It may be meant for the private backend.
    expect(verifyCredentials(shown(FIRST), KEYS, '192.0.2.1', NOW, true)).toBeUndefined();
    for (let index = 0; index < MAX_FAILED_KEYS; index++) ask(shown(`wrong-${index}`), '192.0.2.9');
    expect(() => ask(shown('wrong'), '192.0.2.9')).toThrow(limited);
  });

  it('leave a right one valid in every way to write its header, each time', () => {
    const headers = [`Bearer ${FIRST}`, `bearer ${FIRST}`, `Bearer   ${FIRST}`, `BEARER ${FIRST}`];
    for (const authorization of [...headers, ...headers])
      expect(ask(new Headers({ authorization }))).toEqual({ key: FIRST, isBearer: true });
    for (const authorization of [FIRST, `Basic ${FIRST}`, `Bearer ${FIRST} x`, `Bearer${FIRST}`])
      expect(ask(new Headers({ authorization }))).toBeUndefined();
  });

  it('are remembered for a bounded number of addresses', () => {
    guess(MAX_FAILED_KEYS, 'first');
    expect(() => ask(bearer(FIRST), 'first')).toThrow(limited);
    for (let index = 0; index < 10_000; index++) ask(bearer('wrong'), `address-${index}`);
    expect(ask(bearer(FIRST), 'first')?.key).toBe(FIRST);
  });

  it('do not block a key that the address has used before', () => {
    const session = cookie(createSession(FIRST, NOW));
    expect(ask(session)).toEqual({ key: FIRST, isBearer: false });
    guess();
    expect(() => ask(bearer('wrong'))).toThrow(limited);
    expect(ask(bearer(FIRST))).toEqual({ key: FIRST, isBearer: true });
    expect(ask(session)).toEqual({ key: FIRST, isBearer: false });
    expect(verifySignIn(FIRST, KEYS, '192.0.2.1')).toBe(FIRST);
    expect(() => ask(bearer(SECOND))).toThrow(limited);
  });

  it('are not counted for a request without a key, an old session or one repeated cookie', () => {
    const old = createSession(FIRST, NOW - 2 * SESSION_SECONDS * 1000);
    for (let index = 0; index < 3 * MAX_FAILED_KEYS; index++)
      for (const headers of [new Headers(), cookie(old), cookie('of.a.removed.key')])
        expect(ask(headers)).toBeUndefined();
    expect(ask(bearer(FIRST))?.key).toBe(FIRST);
    expect(ask(cookie(createSession(SECOND, NOW)))?.key).toBe(SECOND);
  });

  it('count once per value, so a client that repeats a wrong key blocks no other client', () => {
    for (let index = 0; index < 3 * MAX_FAILED_KEYS; index++) {
      expect(ask(bearer('wrong'))).toBeUndefined();
      expect(verifySignIn('wrong', KEYS, '192.0.2.1')).toBeUndefined();
    }
    expect(ask(bearer(FIRST))?.key).toBe(FIRST);
  });

  it('are counted apart from wrong cookies, which block neither right keys nor signing in', () => {
    expect(ask(cookie(createSession(FIRST, NOW)))?.key).toBe(FIRST);
    for (let index = 0; index < MAX_FAILED_KEYS + 10; index++) expect(ask(cookie(`a.b.${index}.c`))).toBeUndefined();
    expect(ask(bearer('wrong'))).toBeUndefined();
    // It might be a guess, so it is ignored like a wrong one.
    expect(ask(cookie(createSession(SECOND, NOW)))).toBeUndefined();
    expect(ask(cookie(createSession(FIRST, NOW)))?.key).toBe(FIRST);
    expect(verifySignIn(SECOND, KEYS, '192.0.2.1')).toBe(SECOND);
    expect(ask(cookie(createSession(SECOND, NOW)))?.key).toBe(SECOND);
  });

  it('are limited within one request too', () => {
    const all = Array.from({ length: MAX_FAILED_KEYS }, (_, index) => `a.b.${index}.c`);
    const joined = [...all, createSession(FIRST, NOW)].map((value) => `${SESSION_COOKIE}=${value}`).join('; ');
    expect(ask(new Headers({ cookie: joined }))).toBeUndefined();
    expect(ask(bearer(FIRST))?.key).toBe(FIRST);
  });

  it('are neither counted nor limited if the address is unknown', () => {
    const anywhere = (headers: Headers) => verifyCredentials(headers, KEYS, undefined, NOW);
    for (let index = 0; index < 2 * MAX_FAILED_KEYS; index++) {
      expect(anywhere(bearer(`wrong-${index}`))).toBeUndefined();
      expect(anywhere(cookie(`a.b.${index}.c`))).toBeUndefined();
      expect(verifySignIn(`wrong-${index}`, KEYS, undefined)).toBeUndefined();
    }
    expect(anywhere(bearer(FIRST))?.key).toBe(FIRST);
    expect(anywhere(cookie(createSession(SECOND, NOW)))?.key).toBe(SECOND);
    expect(verifySignIn(SECOND, KEYS, undefined)).toBe(SECOND);
  });

  describe('that may be meant for another server', () => {
    const both = (key: string, session: string) =>
      new Headers({ authorization: `Bearer ${key}`, cookie: `${SESSION_COOKIE}=${session}` });
    const askBoth = (headers: Headers) => verifyCredentials(headers, KEYS, '192.0.2.1', NOW, true);
    const old = (key: string) => createSession(key, NOW - 2 * SESSION_SECONDS * 1000);

    it('are not counted next to an expired or revoked session of this server', () => {
      const ended = createSession(SECOND, NOW);
      revokeSessions(`${SESSION_COOKIE}=${ended}`, KEYS, NOW);
      for (let index = 0; index < 2 * MAX_FAILED_KEYS; index++) {
        expect(askBoth(both(`theirs-${index}`, old(FIRST)))).toBeUndefined();
        expect(askBoth(both(`theirs-${index}`, ended))).toBeUndefined();
      }
      expect(ask(bearer(FIRST))?.key).toBe(FIRST);
    });

    it('reveal nothing about a key while the address is throttled', () => {
      expect(ask(bearer(SECOND))?.key).toBe(SECOND);
      guess();
      for (const session of [old(FIRST), createSession(FIRST, NOW), 'a.b.1.c'])
        for (const key of [FIRST, 'wrong']) expect(() => askBoth(both(key, session))).toThrow(limited);
      // Next to a session that this address has used before, right and wrong guesses get the same.
      for (const key of [FIRST, 'wrong'])
        expect(askBoth(both(key, createSession(SECOND, NOW)))).toEqual({ key: SECOND, isBearer: false });
    });
  });
});

describe('a route with keys and rate limits', () => {
  const routes = route(
    '/api/kept',
    { GET: (_request, { caller }) => json(caller), POST: () => json('done') },
    { right: 'code', rateLimit: 'code' },
  );
  const open = route('/api/open', { GET: () => json('here') }, { right: 'open' });
  const at = 'http://localhost/api/kept';

  function withEnvironment(values: Record<string, string>): void {
    Object.assign(process.env, values);
    resetSingleton('config');
  }

  afterEach(() => {
    delete process.env.API_KEYS;
    delete process.env.RATE_LIMIT_CODE;
    delete process.env.RATE_LIMIT_CHECKS;
    resetSingleton('config');
  });

  it('needs a key unless it is open', async () => {
    withEnvironment({ API_KEYS: KEYS.join(',') });
    expect((await routes.GET(new Request(at), CONTEXT)).status).toBe(401);
    expect((await open.GET(new Request(at), CONTEXT)).status).toBe(200);
    const response = await routes.GET(new Request(at, { headers: { authorization: `Bearer ${SECOND}` } }), CONTEXT);
    expect(await response.json()).toMatch(/^key:/);
  });

  it('limits each caller separately, sends Retry-After, and does not limit reads', async () => {
    withEnvironment({ RATE_LIMIT_CODE: '2' });
    const post = (peerAddress: string) => routes.POST(new Request(at, { method: 'POST' }), { ...CONTEXT, peerAddress });
    const statuses = [
      await post('10.0.0.2'),
      await post('10.0.0.2'),
      await post('10.0.0.2'),
      await post('10.0.0.3'),
    ].map((response) => response.status);
    expect(statuses).toEqual([200, 200, 429, 200]);
    const refused = await post('10.0.0.2');
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await refused.json()).toMatchObject({ code: 'rate_limited' });
    expect((await routes.GET(new Request(at), { ...CONTEXT, peerAddress: '10.0.0.2' })).status).toBe(200);
  });

  it('refunds malformed requests, and limits checks separately', async () => {
    withEnvironment({ RATE_LIMIT_CODE: '2', RATE_LIMIT_CHECKS: '1' });
    const context = { ...CONTEXT, peerAddress: '10.0.0.9' };
    const send = (limited: 'code' | 'checks', status: 200 | 400 | 413 | 415 | 422) => {
      const codes = {
        400: 'invalid_json',
        413: 'body_too_large',
        415: 'unsupported_media_type',
        422: 'unsupported_value',
      } as const;
      const { POST } = route(
        '/api/limited',
        {
          POST: () => {
            if (status === 200) return json('done');
            throw new AppError(codes[status], 'A sentence.');
          },
        },
        { right: 'code', rateLimit: limited },
      );
      return POST(new Request(at, { method: 'POST' }), context).then((response) => response.status);
    };
    const statuses = [];
    for (const status of [400, 413, 415, 400, 200, 415, 422, 413] as const) statuses.push(await send('code', status));
    expect(statuses).toEqual([400, 413, 415, 400, 200, 415, 422, 429]);
    expect([await send('checks', 200), await send('checks', 200), await send('code', 200)]).toEqual([200, 429, 429]);
  });

  it('counts an invalid request with a large body', async () => {
    withEnvironment({ RATE_LIMIT_CODE: '2' });
    const { POST } = route(
      '/api/limited',
      { POST: async (request) => json(parseBody(z.object({ n: z.number() }), await readJson(request, MIB))) },
      { right: 'code', rateLimit: 'code' },
    );
    const context = { ...CONTEXT, peerAddress: '10.0.0.8' };
    const send = async (characters: number) => {
      const body = JSON.stringify({ n: 'x'.repeat(characters) });
      const headers = { 'content-type': 'application/json', 'content-length': String(body.length) };
      return (await POST(new Request(at, { method: 'POST', body, headers }), context)).status;
    };
    const statuses = [];
    // A body above the route's limit is refused before it is read.
    for (const characters of [10, 60 * KIB, 2 * MIB, 2 * MIB, 65 * KIB, 500 * KIB, 10])
      statuses.push(await send(characters));
    expect(statuses).toEqual([400, 400, 413, 413, 400, 400, 429]);
  });
});
