import { expect, it } from 'vitest';
import { callerLogFields } from '#lib/http/caller-log-fields';
import { administrator } from '#lib/http/principal';

const parsed = (members: string) => JSON.parse(`{${members.slice(1)}}`);
const hash = expect.stringMatching(/^[0-9a-f]{8}$/);

it('names a caller by a hash, with the ids of its account and its key', () => {
  expect(parsed(callerLogFields('203.0.113.9', administrator('203.0.113.9')))).toEqual({ caller: hash });
  const ann = administrator('user:ann', { userId: 'ann' });
  expect(parsed(callerLogFields('user:ann', ann))).toEqual({ caller: hash, user: 'ann' });
  expect(parsed(callerLogFields('user:ann', { ...ann, keyId: 'k' }))).toEqual({ caller: hash, user: 'ann', key: 'k' });
  expect(parsed(callerLogFields('user:ann', ann))).toEqual({ caller: hash, user: 'ann' });
});

it('writes no address', () => {
  expect(callerLogFields('203.0.113.9', administrator('203.0.113.9'))).not.toContain('203');
});

it('escapes ids, and keeps working with more callers than it remembers', () => {
  const members = Array.from({ length: 3_000 }, (_, index) => callerLogFields(`user:${index}`, undefined));
  expect(new Set(members).size).toBe(3_000);
  const odd = administrator('user:"x"', { userId: '"x",\n' });
  expect(parsed(callerLogFields(odd.caller, odd))).toEqual({ caller: hash, user: '"x",\n' });
});
