import { afterEach, describe, expect, it } from 'vitest';
import { Fault } from '#lib/fault';
import {
  createSession,
  endSession,
  findKey,
  identify,
  SESSION_COOKIE,
  SESSION_SECONDS,
  sessionKey,
} from '#lib/http/auth';
import { json } from '#lib/http/reply';
import { type RouteContext, route } from '#lib/http/route';
import { forgetProcessWide } from '#lib/process';

const NOW = Date.UTC(2026, 0, 1);
const KEYS = ['first-key', 'second-key'];
const CONTEXT: RouteContext = { params: Promise.resolve({}), peerAddress: '10.0.0.1' };

describe('identify', () => {
  it('goes by address where there are no keys', () => {
    expect(identify(new Headers(), [], '10.0.0.1', NOW)).toBe('10.0.0.1');
  });

  it('takes a bearer key, tells keys apart, and does not show them', () => {
    const names = KEYS.map((key) => identify(new Headers({ authorization: `Bearer ${key}` }), KEYS, '10.0.0.1', NOW));
    expect(new Set(names).size).toBe(2);
    for (const name of names) expect(name).toMatch(/^key:[0-9a-f]{12}$/);
  });

  it.each([[undefined], ['Bearer wrong'], ['Basic first-key'], ['Bearer '], ['first-key']])(
    'refuses %s',
    (authorization) => {
      const headers = new Headers(authorization === undefined ? {} : { authorization });
      expect(() => identify(headers, KEYS, '10.0.0.1', NOW)).toThrow(expect.objectContaining({ code: 'unauthorized' }));
    },
  );
});

describe('session cookie', () => {
  const cookie = `other=1; ${SESSION_COOKIE}=${createSession('first-key', NOW)}`;

  it('stands for its key until it expires or the key is taken away', () => {
    expect(sessionKey(cookie, KEYS, NOW)).toBe('first-key');
    expect(sessionKey(cookie, KEYS, NOW + SESSION_SECONDS * 1000)).toBeUndefined();
    expect(sessionKey(cookie, ['second-key'], NOW)).toBeUndefined();
    expect(cookie).not.toContain('first-key');
  });

  it('ends with its signing out wherever it was copied to, and alone', () => {
    const other = `${SESSION_COOKIE}=${createSession('first-key', NOW)}`;
    const copied = `${SESSION_COOKIE}=${createSession('first-key', NOW)}`;
    endSession(copied, KEYS, NOW);
    expect(sessionKey(copied, KEYS, NOW)).toBeUndefined();
    expect(sessionKey(other, KEYS, NOW)).toBe('first-key');
    endSession('', KEYS, NOW);
    endSession(`${SESSION_COOKIE}=a.b.c.d`, KEYS, NOW);
  });

  it('is not taken when any part was changed', () => {
    const value = createSession('first-key', NOW);
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

describe('a route under keys and limits', () => {
  const routes = route(
    '/api/kept',
    { GET: (_request, call) => json(call.caller), POST: () => json('done') },
    { limited: 'code' },
  );
  const open = route('/api/open', { GET: () => json('here') }, { open: true });
  const at = 'http://app.example/api/kept';

  function withEnvironment(values: Record<string, string>): void {
    Object.assign(process.env, values);
    forgetProcessWide('config');
  }

  afterEach(() => {
    delete process.env.API_KEYS;
    delete process.env.RATE_LIMIT_CODE;
    delete process.env.RATE_LIMIT_CHECKS;
    forgetProcessWide('config');
  });

  it('needs a key, except where it is open', async () => {
    withEnvironment({ API_KEYS: KEYS.join(',') });
    expect((await routes.GET(new Request(at), CONTEXT)).status).toBe(401);
    expect((await open.GET(new Request(at), CONTEXT)).status).toBe(200);
    const answer = await routes.GET(new Request(at, { headers: { authorization: 'Bearer second-key' } }), CONTEXT);
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
            throw new Fault(codes[status], 'A sentence.');
          },
        },
        { limited },
      );
      return POST(new Request(at, { method: 'POST' }), context).then((answer) => answer.status);
    };
    const statuses = [];
    for (const status of [400, 413, 415, 400, 200, 415, 422, 413] as const) statuses.push(await send('code', status));
    expect(statuses).toEqual([400, 413, 415, 400, 200, 415, 422, 429]);
    expect([await send('checks', 200), await send('checks', 200), await send('code', 200)]).toEqual([200, 429, 429]);
  });

  it('compares against every key', () => {
    expect(findKey('first-key', KEYS)).toBe('first-key');
    expect(findKey('', KEYS)).toBeUndefined();
  });
});
