import { describe, expect, it } from 'vitest';
import {
  createSession,
  isValidSession,
  readSessions,
  revokeSessions,
  SECURE_SESSION_COOKIE,
  SESSION_COOKIE,
  SESSION_SECONDS,
  sessionCookie,
} from '#lib/http/session-cookie';

const NOW = Date.UTC(2026, 0, 1);
const FIRST = 'first-key-of-sixteen';
const SECOND = 'second-key-of-sixteen';
const KEYS = [FIRST, SECOND];

const sessionKey = (cookies: string, keys: readonly string[], nowMs: number) =>
  readSessions(cookies, keys).find((session) => isValidSession(session, nowMs))?.key;

describe('session cookie', () => {
  const cookie = `other=1; ${SESSION_COOKIE}=${createSession(FIRST, NOW)}`;

  it('stands for its key until it expires or the key is removed', () => {
    expect(sessionKey(cookie, KEYS, NOW)).toBe(FIRST);
    expect(sessionKey(cookie, KEYS, NOW + SESSION_SECONDS * 1000)).toBeUndefined();
    expect(sessionKey(cookie, [SECOND], NOW)).toBeUndefined();
    expect(cookie).not.toContain(FIRST);
  });

  it('is revoked with all copies when its user signs out, without the other sessions', () => {
    const other = `${SESSION_COOKIE}=${createSession(FIRST, NOW)}`;
    const copied = `${SESSION_COOKIE}=${createSession(FIRST, NOW)}`;
    revokeSessions(copied, KEYS, NOW);
    expect(sessionKey(copied, KEYS, NOW)).toBeUndefined();
    expect(sessionKey(other, KEYS, NOW)).toBe(FIRST);
    revokeSessions('', KEYS, NOW);
    revokeSessions(`${SESSION_COOKIE}=a.b.c.d`, KEYS, NOW);
  });

  it('is valid for one list of keys, also when it was read with another one', () => {
    expect(sessionKey(cookie, KEYS, NOW)).toBe(FIRST);
    expect(sessionKey(cookie, [SECOND], NOW)).toBeUndefined();
    expect(sessionKey(cookie, [SECOND, FIRST], NOW)).toBe(FIRST);
    expect(sessionKey(cookie, KEYS, NOW + SESSION_SECONDS * 1000)).toBeUndefined();
  });

  it('is valid among more than are remembered, each until it is signed out', async () => {
    const headers = Array.from({ length: 4_100 }, () => `${SESSION_COOKIE}=${createSession(FIRST, NOW)}`);
    const valid = () => headers.filter((header) => sessionKey(header, KEYS, NOW) === FIRST).length;
    expect([valid(), valid()]).toEqual([headers.length, headers.length]);
    for (const at of [0, 4_099]) {
      await revokeSessions(headers[at] ?? '', KEYS, NOW);
      expect(sessionKey(headers[at] ?? '', KEYS, NOW)).toBeUndefined();
    }
    expect(sessionKey(headers[1] ?? '', KEYS, NOW)).toBe(FIRST);
  });

  it('is rejected if any part was changed', () => {
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

  it('authenticate by any valid one, of both names', () => {
    for (const name of [SESSION_COOKIE, SECURE_SESSION_COOKIE]) {
      const evil = `${SESSION_COOKIE}=a.b.9999999999.c; ${SECURE_SESSION_COOKIE}=x; ${SESSION_COOKIE}=`;
      expect(sessionKey(`${evil}; ${name}=${valid}`, KEYS, NOW)).toBe(FIRST);
      expect(sessionKey(`${name}=${valid}; ${evil}`, KEYS, NOW)).toBe(FIRST);
      expect(sessionKey(evil, KEYS, NOW)).toBeUndefined();
      expect(sessionKey(`x${name}=${valid}`, KEYS, NOW)).toBeUndefined();
    }
  });

  it('are all revoked by signing out', () => {
    const [one, two] = [createSession(FIRST, NOW), createSession(SECOND, NOW)];
    revokeSessions(`${SESSION_COOKIE}=${one}; ${SECURE_SESSION_COOKIE}=${two}`, KEYS, NOW);
    for (const value of [one, two]) expect(sessionKey(`${SESSION_COOKIE}=${value}`, KEYS, NOW)).toBeUndefined();
  });

  it('have the __Host- prefix over TLS only', () => {
    expect(sessionCookie('v', true)).toMatch(
      /^__Host-chill_space_session=v; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Strict; Secure$/,
    );
    expect(sessionCookie('v', false)).toMatch(
      /^chill_space_session=v; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Strict$/,
    );
  });
});
