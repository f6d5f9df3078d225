import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { AppError } from '#lib/errors';
import {
  createSession,
  findKey,
  identify,
  revokeSessions,
  SECURE_SESSION_COOKIE,
  SESSION_COOKIE,
  SESSION_SECONDS,
  sessionCookie,
  sessionKey,
  verifyCredentials,
  verifySignIn,
} from '#lib/http/auth';
import { parseBody, readJson } from '#lib/http/body';
import { MAX_FAILED_KEYS } from '#lib/http/failed-keys';
import { json } from '#lib/http/reply';
import { type RouteContext, route } from '#lib/http/route';
import { resetSingleton } from '#lib/singletons';
import { KIB, MIB } from '#lib/units';

const NOW = Date.UTC(2026, 0, 1);
const FIRST = 'first-key-of-sixteen';
const SECOND = 'second-key-of-sixteen';
const KEYS = [FIRST, SECOND];
const CONTEXT: RouteContext = { params: Promise.resolve({}), peerAddress: '10.0.0.1' };

beforeEach(() => {
  resetSingleton('http.wrong-keys');
  resetSingleton('http.known-keys');
});

describe('identify', () => {
  it('goes by address where there are no keys', () => {
    expect(identify(new Headers(), [], '10.0.0.1', NOW)).toBe('10.0.0.1');
  });

  it('takes a bearer key, tells keys apart, and does not show them', () => {
    const names = KEYS.map((key) => identify(new Headers({ authorization: `Bearer ${key}` }), KEYS, '10.0.0.1', NOW));
    expect(new Set(names).size).toBe(2);
    for (const name of names) expect(name).toMatch(/^key:[0-9a-f]{12}$/);
  });

  it.each([[undefined], ['Bearer wrong'], ['Basic first-key-of-sixteen'], ['Bearer '], ['first-key-of-sixteen']])(
    'refuses %s',
    (authorization) => {
      const headers = new Headers(authorization === undefined ? {} : { authorization });
      expect(() => identify(headers, KEYS, '10.0.0.1', NOW)).toThrow(expect.objectContaining({ code: 'unauthorized' }));
    },
  );
});

describe('session cookie', () => {
  const cookie = `other=1; ${SESSION_COOKIE}=${createSession(FIRST, NOW)}`;

  it('stands for its key until it expires or the key is taken away', () => {
    expect(sessionKey(cookie, KEYS, NOW)).toBe(FIRST);
    expect(sessionKey(cookie, KEYS, NOW + SESSION_SECONDS * 1000)).toBeUndefined();
    expect(sessionKey(cookie, [SECOND], NOW)).toBeUndefined();
    expect(cookie).not.toContain(FIRST);
  });

  it('ends with its signing out wherever it was copied to, and alone', () => {
    const other = `${SESSION_COOKIE}=${createSession(FIRST, NOW)}`;
    const copied = `${SESSION_COOKIE}=${createSession(FIRST, NOW)}`;
    revokeSessions(copied, KEYS, NOW);
    expect(sessionKey(copied, KEYS, NOW)).toBeUndefined();
    expect(sessionKey(other, KEYS, NOW)).toBe(FIRST);
    revokeSessions('', KEYS, NOW);
    revokeSessions(`${SESSION_COOKIE}=a.b.c.d`, KEYS, NOW);
  });

  it('is not taken when any part was changed', () => {
    const value = createSession(FIRST, NOW);
    const [name, id, expiry, signature] = value.split('.');
    const forged = [
      `${name}.${id}.${Number(expiry) + 1}.${signature}`,
      `${name}.other.${expiry}.${signature}`,
      `${name}.${id}.${expiry}.AAAA`,
      `${name}.${id}.${expiry}.`,
      `${name}.${id}.${expiry}`,
      '..',
      '',
    ];
    for (const one of forged) expect(sessionKey(`${SESSION_COOKIE}=${one}`, KEYS, NOW)).toBeUndefined();
  });
});

describe('several session cookies', () => {
  const valid = createSession(FIRST, NOW);

  it('let in by any one that is valid, of either name', () => {
    for (const name of [SESSION_COOKIE, SECURE_SESSION_COOKIE]) {
      const evil = `${SESSION_COOKIE}=a.b.9999999999.c; ${SECURE_SESSION_COOKIE}=x; ${SESSION_COOKIE}=`;
      expect(sessionKey(`${evil}; ${name}=${valid}`, KEYS, NOW)).toBe(FIRST);
      expect(sessionKey(`${name}=${valid}; ${evil}`, KEYS, NOW)).toBe(FIRST);
      expect(sessionKey(evil, KEYS, NOW)).toBeUndefined();
      expect(sessionKey(`x${name}=${valid}`, KEYS, NOW)).toBeUndefined();
    }
  });

  it('all end with signing out', () => {
    const [one, two] = [createSession(FIRST, NOW), createSession(SECOND, NOW)];
    revokeSessions(`${SESSION_COOKIE}=${one}; ${SECURE_SESSION_COOKIE}=${two}`, KEYS, NOW);
    for (const value of [one, two]) expect(sessionKey(`${SESSION_COOKIE}=${value}`, KEYS, NOW)).toBeUndefined();
  });

  it('are __Host- where the browser speaks TLS, and plain otherwise', () => {
    expect(sessionCookie('v', true)).toMatch(
      /^__Host-chill_space_session=v; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Strict; Secure$/,
    );
    expect(sessionCookie('v', false)).toMatch(
      /^chill_space_session=v; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Strict$/,
    );
  });
});

describe('wrong keys', () => {
  const bearer = (key: string) => new Headers({ authorization: `Bearer ${key}` });
  const cookie = (value: string) => new Headers({ cookie: `${SESSION_COOKIE}=${value}` });
  const limited = expect.objectContaining({ code: 'rate_limited', retryAfterSeconds: expect.any(Number) });
  const ask = (headers: Headers, address = '192.0.2.1') => verifyCredentials(headers, KEYS, address, NOW);

  const guess = (count = MAX_FAILED_KEYS, address?: string) => {
    for (let index = 0; index < count; index++) expect(ask(bearer(`wrong-${index}`), address)).toBeUndefined();
  };

  it('are counted for their address over all ways to show one, and then refuse right ones that could be guesses', () => {
    guess(MAX_FAILED_KEYS - 1);
    expect(verifySignIn('wrong', KEYS, '192.0.2.1')).toBeUndefined();
    for (const key of ['wrong', 'wrong-0', 'another', FIRST]) {
      expect(() => ask(bearer(key))).toThrow(limited);
      expect(() => verifySignIn(key, KEYS, '192.0.2.1')).toThrow(limited);
    }
    // A right cookie is as absent as a wrong one, and so is none.
    for (const headers of [cookie(createSession(FIRST, NOW)), cookie('a.b.1.c'), new Headers()])
      expect(ask(headers)).toBeUndefined();
    expect(ask(bearer(FIRST), '192.0.2.2')).toEqual({ key: FIRST, isBearer: true });
  });

  it('are remembered for a bounded number of addresses', () => {
    guess(MAX_FAILED_KEYS, 'first');
    expect(() => ask(bearer(FIRST), 'first')).toThrow(limited);
    for (let index = 0; index < 10_000; index++) ask(bearer('wrong'), `address-${index}`);
    expect(ask(bearer(FIRST), 'first')?.key).toBe(FIRST);
  });

  it('do not lock out those who have shown their key from that address before', () => {
    const session = cookie(createSession(FIRST, NOW));
    expect(ask(session)).toEqual({ key: FIRST, isBearer: false });
    guess();
    expect(() => ask(bearer('wrong'))).toThrow(limited);
    expect(ask(bearer(FIRST))).toEqual({ key: FIRST, isBearer: true });
    expect(ask(session)).toEqual({ key: FIRST, isBearer: false });
    expect(verifySignIn(FIRST, KEYS, '192.0.2.1')).toBe(FIRST);
    expect(() => ask(bearer(SECOND))).toThrow(limited);
  });

  it('are not what a request without one, an old session, or one repeated cookie is', () => {
    const old = createSession(FIRST, NOW - 2 * SESSION_SECONDS * 1000);
    for (let index = 0; index < 3 * MAX_FAILED_KEYS; index++)
      for (const headers of [new Headers(), cookie(old), cookie('of.a.removed.key')])
        expect(ask(headers)).toBeUndefined();
    expect(ask(bearer(FIRST))?.key).toBe(FIRST);
    expect(ask(cookie(createSession(SECOND, NOW)))?.key).toBe(SECOND);
  });

  it('count once for each value, so that one client that repeats a wrong key locks no other client out', () => {
    for (let index = 0; index < 3 * MAX_FAILED_KEYS; index++) {
      expect(ask(bearer('wrong'))).toBeUndefined();
      expect(verifySignIn('wrong', KEYS, '192.0.2.1')).toBeUndefined();
    }
    expect(ask(bearer(FIRST))?.key).toBe(FIRST);
  });

  it('are not wrong cookies, which browsers send unasked: right keys and signing in go on', () => {
    expect(ask(cookie(createSession(FIRST, NOW)))?.key).toBe(FIRST);
    for (let index = 0; index < MAX_FAILED_KEYS + 10; index++) expect(ask(cookie(`a.b.${index}.c`))).toBeUndefined();
    expect(ask(bearer('wrong'))).toBeUndefined();
    // This might be a guess, so that it is as absent as a wrong one.
    expect(ask(cookie(createSession(SECOND, NOW)))).toBeUndefined();
    expect(ask(cookie(createSession(FIRST, NOW)))?.key).toBe(FIRST);
    expect(verifySignIn(SECOND, KEYS, '192.0.2.1')).toBe(SECOND);
    expect(ask(cookie(createSession(SECOND, NOW)))?.key).toBe(SECOND);
  });

  it('are limited within one request, too', () => {
    const all = Array.from({ length: MAX_FAILED_KEYS }, (_, index) => `a.b.${index}.c`);
    const joined = [...all, createSession(FIRST, NOW)].map((value) => `${SESSION_COOKIE}=${value}`).join('; ');
    expect(ask(new Headers({ cookie: joined }))).toBeUndefined();
    expect(ask(bearer(FIRST))?.key).toBe(FIRST);
  });

  it('neither count nor limit where the address is unknown', () => {
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

    it('are not counted next to a session of ours that expired or ended', () => {
      const ended = createSession(SECOND, NOW);
      revokeSessions(`${SESSION_COOKIE}=${ended}`, KEYS, NOW);
      for (let index = 0; index < 2 * MAX_FAILED_KEYS; index++) {
        expect(askBoth(both(`theirs-${index}`, old(FIRST)))).toBeUndefined();
        expect(askBoth(both(`theirs-${index}`, ended))).toBeUndefined();
      }
      expect(ask(bearer(FIRST))?.key).toBe(FIRST);
    });

    it('say nothing about a key while the address is limited', () => {
      expect(ask(bearer(SECOND))?.key).toBe(SECOND);
      guess();
      for (const session of [old(FIRST), createSession(FIRST, NOW), 'a.b.1.c'])
        for (const key of [FIRST, 'wrong']) expect(() => askBoth(both(key, session))).toThrow(limited);
      // Next to a key that this address is known to have, a right guess and a wrong one are let in
      // alike.
      for (const key of [FIRST, 'wrong'])
        expect(askBoth(both(key, createSession(SECOND, NOW)))).toEqual({ key: SECOND, isBearer: false });
    });
  });
});

describe('a route under keys and limits', () => {
  const routes = route(
    '/api/kept',
    { GET: (_request, call) => json(call.caller), POST: () => json('done') },
    { rateLimit: 'code' },
  );
  const open = route('/api/open', { GET: () => json('here') }, { open: true });
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

  it('needs a key, except where it is open', async () => {
    withEnvironment({ API_KEYS: KEYS.join(',') });
    expect((await routes.GET(new Request(at), CONTEXT)).status).toBe(401);
    expect((await open.GET(new Request(at), CONTEXT)).status).toBe(200);
    const answer = await routes.GET(new Request(at, { headers: { authorization: `Bearer ${SECOND}` } }), CONTEXT);
    expect(await answer.json()).toMatch(/^key:/);
  });

  it('limits each caller by itself, says when to come back, and lets reads through', async () => {
    withEnvironment({ RATE_LIMIT_CODE: '2' });
    const post = (peerAddress: string) => routes.POST(new Request(at, { method: 'POST' }), { ...CONTEXT, peerAddress });
    const statuses = [
      await post('10.0.0.2'),
      await post('10.0.0.2'),
      await post('10.0.0.2'),
      await post('10.0.0.3'),
    ].map((answer) => answer.status);
    expect(statuses).toEqual([200, 200, 429, 200]);
    const refused = await post('10.0.0.2');
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await refused.json()).toMatchObject({ code: 'rate_limited' });
    expect((await routes.GET(new Request(at), { ...CONTEXT, peerAddress: '10.0.0.2' })).status).toBe(200);
  });

  it('counts no request that was never one, and has a limit of its own for checks', async () => {
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
        { rateLimit: limited },
      );
      return POST(new Request(at, { method: 'POST' }), context).then((answer) => answer.status);
    };
    const statuses = [];
    for (const status of [400, 413, 415, 400, 200, 415, 422, 413] as const) statuses.push(await send('code', status));
    expect(statuses).toEqual([400, 413, 415, 400, 200, 415, 422, 429]);
    expect([await send('checks', 200), await send('checks', 200), await send('code', 200)]).toEqual([200, 429, 429]);
  });

  it('counts an invalid request whose body was large, since parsing it takes time', async () => {
    withEnvironment({ RATE_LIMIT_CODE: '2' });
    const { POST } = route(
      '/api/limited',
      { POST: async (request) => json(parseBody(z.object({ n: z.number() }), await readJson(request, MIB))) },
      { rateLimit: 'code' },
    );
    const context = { ...CONTEXT, peerAddress: '10.0.0.8' };
    const send = async (characters: number) => {
      const body = JSON.stringify({ n: 'x'.repeat(characters) });
      const headers = { 'content-type': 'application/json', 'content-length': String(body.length) };
      return (await POST(new Request(at, { method: 'POST', body, headers }), context)).status;
    };
    const statuses = [];
    // One above the limit of the route is refused before it is read.
    for (const characters of [10, 60 * KIB, 2 * MIB, 2 * MIB, 65 * KIB, 500 * KIB, 10])
      statuses.push(await send(characters));
    expect(statuses).toEqual([400, 400, 413, 413, 400, 400, 429]);
  });

  it('compares against every key', () => {
    expect(findKey(FIRST, KEYS)).toBe(FIRST);
    expect(findKey('', KEYS)).toBeUndefined();
  });
});
