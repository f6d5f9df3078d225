import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { AppError } from '#lib/errors';
import type { ChatServer } from '../support/chat-server.ts';
import { forgetIdentities, HELLO, sendAs, startOwned } from '../support/owned-requests.ts';
import type { Person } from '../support/people.ts';

/** Advice on the server is for those who run it, also where callers share a generation. */

const ADVICE = 'Get it with `ollama pull m`.';
const ASK = 'Choose another one, or ask the operator of this server for it.';

let s: ChatServer;

beforeEach(async () => {
  forgetIdentities();
  ({ s } = await startOwned());
});
afterEach(async () => {
  await s.close();
  forgetIdentities();
});

const unknown = () => new AppError('model_not_found', ASK, { operatorMessage: ADVICE });
const sentenceOf = async (person: Person, path: string, body: object) =>
  JSON.stringify(await (await sendAs(s, person, 'POST', path, body)).json());

it.each([
  ['/api/chat-optimized', { ...HELLO, stream: false }],
  ['/v1/chat/completions', { model: 'm', messages: [{ role: 'user', content: 'hi' }] }],
  ['/api/chat', { model: 'm', stream: false, messages: [{ role: 'user', content: 'hi' }] }],
])('names the command at %s to administrators, and whom to ask to others', async (path, body) => {
  s.provider.onCall = (call) => void call.fail(unknown());
  expect(await sentenceOf('member', path, body)).toContain(ASK);
  expect(await sentenceOf('manager', path, body)).not.toContain('ollama pull');
  expect(await sentenceOf('admin', path, body)).toContain('ollama pull m');
});

it('gives each caller of one shared generation the own sentence', async () => {
  const member = sentenceOf('member', '/api/chat-optimized', { ...HELLO, stream: false });
  await vi.waitFor(() => expect(s.provider.calls).toHaveLength(1));
  const admin = sentenceOf('admin', '/api/chat-optimized', { ...HELLO, stream: false });
  await vi.waitFor(() => expect(s.metrics.cacheLookups.joined).toBe(1));
  s.provider.last.fail(unknown());
  expect(await member).toContain(ASK);
  expect(await admin).toContain('ollama pull m');
  expect(s.provider.calls).toHaveLength(1);
});
