import { afterEach, expect, it, vi } from 'vitest';
import { onServerSignal } from '#lib/browser/server-signals';
import { authRequest } from './auth-api.ts';

afterEach(() => vi.unstubAllGlobals());

const respond = (status: number, body: unknown, headers: Record<string, string> = {}) =>
  vi.stubGlobal('fetch', () => Promise.resolve(Response.json(body, { status, headers })));

it('returns the body of a success', async () => {
  respond(200, { twoFactorRedirect: true });
  await expect(authRequest('/sign-in/email', {})).resolves.toEqual({ twoFactorRedirect: true });
});

it('writes its own sentence for a known code, and does not call the session ended', async () => {
  const signals: string[] = [];
  const stop = onServerSignal((signal) => signals.push(signal));
  respond(401, { code: 'INVALID_EMAIL_OR_PASSWORD', message: 'Invalid email or password' });
  await expect(authRequest('/sign-in/email', {})).rejects.toMatchObject({
    message: 'Wrong e-mail or password.',
    status: 401,
  });
  expect(signals).toEqual([]);
  stop();
});

it('passes on the sentence of the server’s own errors', async () => {
  respond(503, { error: 'The database is not available. Try again.', code: 'not_configured' });
  await expect(authRequest('/get-session')).rejects.toThrow('The database is not available. Try again.');
});

it('says how long to wait after too many attempts', async () => {
  respond(429, {}, { 'x-retry-after': '30' });
  await expect(authRequest('/sign-in/email', {})).rejects.toThrow('Try again in 30 s.');
});

it('reports a session that has ended', async () => {
  const signals: string[] = [];
  const stop = onServerSignal((signal) => signals.push(signal));
  respond(401, { message: 'Unauthorized' });
  await expect(authRequest('/list-sessions')).rejects.toThrow('Sign in again.');
  expect(signals).toEqual(['unauthorized']);
  stop();
});

it('says that the server cannot be reached', async () => {
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('failed')));
  await expect(authRequest('/get-session')).rejects.toMatchObject({ code: 'unreachable', status: 0 });
});
