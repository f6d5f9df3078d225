import { expect, it } from 'vitest';
import { RevokedSessions } from '#lib/http/revoked-sessions';

const NOW = 1_800_000_000;
const LIFE = 100_000;
const session = (id: string, issuedAt = NOW, keyId = 'a') => ({ keyId, id, issuedAt, expiry: issuedAt + LIFE });

it('keeps a revoked session, however many follow', () => {
  const ended = new RevokedSessions();
  const open = session('open');
  ended.add(session('first'), NOW);
  for (let index = 0; index < 120_000; index++) ended.add(session(`later ${index}`), NOW + 1);
  expect(ended.has(session('first'))).toBe(true);
  expect(ended.has(open)).toBe(false);
});

it('bounds its memory by revoking all sessions of a key, and of no other key', () => {
  const ended = new RevokedSessions(3);
  const other = session('other', NOW, 'b');
  for (const id of ['1', '2', '3', '4']) ended.add(session(id), NOW);
  for (const id of ['1', '4', 'never ended']) expect(ended.has(session(id)), id).toBe(true);
  expect(ended.has(session('new', NOW + 1))).toBe(false);
  expect(ended.has(other)).toBe(false);
});

it('forgets expired sessions', () => {
  const ended = new RevokedSessions(2);
  ended.add(session('1'), NOW);
  ended.add(session('2'), NOW);
  // Both have expired, so the bound is not exceeded and an older session stays valid.
  ended.add(session('3', NOW + LIFE), NOW + LIFE);
  expect(ended.has(session('older', NOW + LIFE - 1))).toBe(false);
  expect(ended.has(session('3', NOW + LIFE))).toBe(true);
});

it('knows after a restart what was revoked before, one by one and all of a key', () => {
  const before = new RevokedSessions(2);
  const kept = ['1', '2', '3'].map((id) => before.add(session(id), NOW));
  expect(kept.map(({ id }) => id)).toEqual(['1', '2', '']);
  const after = new RevokedSessions();
  for (const one of kept) after.restore(one);
  for (const id of ['1', '2', '3', 'never ended']) expect(after.has(session(id)), id).toBe(true);
  expect(after.has(session('new', NOW + 1))).toBe(false);
  // A session of the last moment before has expired by then.
  expect(kept[2]?.expiry).toBe(NOW + 1 + LIFE);
});

it('keeps its bound over a restart', () => {
  const after = new RevokedSessions(2);
  for (const id of ['1', '2', '3']) after.restore({ keyId: 'a', id, endedAt: NOW, expiry: NOW + LIFE });
  expect(after.has(session('3'))).toBe(true);
  expect(after.has(session('new', NOW + 1))).toBe(false);
});
