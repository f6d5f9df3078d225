import { expect, it } from 'vitest';
import { keyExample } from './key-example.ts';

const ORIGIN = 'http://localhost:3000';

it('chats with a key that may', () => {
  const command = keyExample({ key: 'cs_secret', scopes: ['stats', 'chat'] }, ORIGIN, 'qwen3:8b');
  expect(command).toContain('curl http://localhost:3000/v1/chat/completions');
  expect(command).toContain('-H "Authorization: Bearer cs_secret"');
  expect(command).toContain('"model":"qwen3:8b"');
});

it('quotes a model name for the shell', () => {
  const command = keyExample({ key: 'k', scopes: ['chat'] }, ORIGIN, "it's");
  expect(command).toContain(`"model":"it'\\''s"`);
});

it.each([
  [['code'] as const, '/api/v1/code/run'],
  [['gateway'] as const, '/gateway/'],
  [['stats'] as const, '/api/cache-stats'],
])('uses what the scopes %j allow', (scopes, path) => {
  expect(keyExample({ key: 'k', scopes }, ORIGIN, 'm')).toContain(`${ORIGIN}${path}`);
});
