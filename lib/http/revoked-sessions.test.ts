import { expect, it } from 'vitest';
import { RevokedSessions } from '#lib/http/revoked-sessions';

const NOW = 1_800_000_000;
const LIFE = 100_000;
const session = (id: string, issuedAt = NOW, keyId = 'a') => ({ keyId, id, issuedAt, expiry: issuedAt + LIFE });

it('keeps a session that was ended, however many end after it', () => {
  const ended = new RevokedSessions();
  const open = session('open');
  ended.add(session('first'), NOW);
  for (let index = 0; index < 120_000; index++) ended.add(session(`later ${index}`), NOW + 1);
  expect(ended.has(session('first'))).toBe(true);
  expect(ended.has(open)).toBe(false);
});

it('is bounded for each key by ending all of its sessions, and no other key’s', () => {
  const ended = new RevokedSessions(3);
  const other = session('other', NOW, 'b');
  for (const id of ['1', '2', '3', '4']) ended.add(session(id), NOW);
  for (const id of ['1', '4', 'never ended']) expect(ended.has(session(id)), id).toBe(true);
  expect(ended.has(session('new', NOW + 1))).toBe(false);
  expect(ended.has(other)).toBe(false);
});

it('forgets what has expired', () => {
  const ended = new RevokedSessions(2);
  ended.add(session('1'), NOW);
  ended.add(session('2'), NOW);
  // Both have expired by now: the bound is not passed, and an older session that was never ended
  // stays valid.
  ended.add(session('3', NOW + LIFE), NOW + LIFE);
  expect(ended.has(session('older', NOW + LIFE - 1))).toBe(false);
  expect(ended.has(session('3', NOW + LIFE))).toBe(true);
});
