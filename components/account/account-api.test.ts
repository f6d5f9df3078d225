import { afterEach, expect, it, vi } from 'vitest';
import { beginTwoFactor, fetchSessions, secretOf } from './account-api.ts';

afterEach(() => vi.unstubAllGlobals());

function respond(bodies: Record<string, unknown>): void {
  vi.stubGlobal('fetch', (url: string) => Promise.resolve(Response.json(bodies[url.replace(/.*\/api\/auth/, '')])));
}

it('lists the sessions with the own one first, then the newest', async () => {
  const session = (id: string, updatedAt: string) => ({ id, createdAt: updatedAt, updatedAt, userAgent: '' });
  respond({
    '/list-sessions': [
      session('old', '2026-11-01T00:00:00Z'),
      { ...session('own', '2026-11-02T00:00:00Z'), isCurrent: true },
      session('new', '2026-11-03T00:00:00Z'),
      'no session',
    ],
  });
  const sessions = await fetchSessions();
  expect(sessions.map(({ id, isCurrent }) => [id, isCurrent])).toEqual([
    ['own', true],
    ['new', false],
    ['old', false],
  ]);
  expect(sessions[0]?.userAgent).toBeNull();
});

it('reads the secret and the recovery codes of a second factor', async () => {
  respond({ '/two-factor/enable': { totpURI: 'otpauth://totp/x?secret=ABCD', backupCodes: ['a', 1, 'b'] } });
  await expect(beginTwoFactor('password')).resolves.toEqual({
    uri: 'otpauth://totp/x?secret=ABCD',
    recoveryCodes: ['a', 'b'],
  });
});

it.each([
  ['otpauth://totp/Chill%20Space:ada?secret=ABCDEFGHIJ&issuer=Chill', 'ABCD EFGH IJ'],
  ['otpauth://totp/x?secret=ABCD', 'ABCD'],
  ['no address', ''],
])('shows the secret of %s as %j', (uri, secret) => {
  expect(secretOf(uri)).toBe(secret);
});
