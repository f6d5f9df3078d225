import { describe, expect, it } from 'vitest';
import { readConfig } from '#lib/config/config';
import { isLoopback } from '#lib/config/loopback';
import { banner, describeReach } from '#lib/server/banner';
import type { Models } from '#lib/wire/models';

describe('describeReach', () => {
  it.each([
    ['127.0.0.1', 0, 'this machine only, without a key'],
    ['::1', 1, 'this machine only, with the API key'],
    ['0.0.0.0', 2, 'everyone who can reach this machine over the network, with one of 2 API keys'],
    ['10.1.2.3', 1, 'everyone who can reach 10.1.2.3, with the API key'],
  ])('describes who can reach %s with %i keys', (host, keys, sentence) => {
    expect(describeReach(host, keys)).toBe(sentence);
  });

  it('warns if the network can reach a server without keys, and says what to do', () => {
    expect(describeReach('0.0.0.0', 0)).toMatch(/without a key — set API_KEYS, or HOST=127\.0\.0\.1$/);
  });
});

describe('isLoopback', () => {
  it('accepts the loopback range, and nothing that only looks like it', () => {
    for (const host of ['127.0.0.1', '127.8.8.8', '::1', 'localhost']) expect(isLoopback(host)).toBe(true);
    for (const host of ['127.0.0.1.example.org', '0.0.0.0', '10.127.0.0', '::']) expect(isLoopback(host)).toBe(false);
  });
});

describe('banner', () => {
  const line = (models: Partial<Models>) => {
    const whole: Models = { models: [], default_model: 'small:1b', providers: [], notice: null, ...models };
    const text = banner(readConfig({}), 3000, whole, new Error('off'));
    return text.slice(text.indexOf('model '), text.indexOf('  code ')).trim();
  };
  const down = { id: 'embedded', reachable: false, error: 'The file is missing.' } as const;

  it('does not name a model that does not respond', () => {
    expect(line({ providers: [down], notice: 'No model answers.' })).toBe('model       none: The file is missing.');
    const notice = 'Ollama has no model yet.';
    expect(line({ providers: [{ id: 'ollama', reachable: true, error: null }], notice })).toBe(
      `model       none: ${notice}`,
    );
  });

  it('says where mails are sent with accounts, and nothing of the password', () => {
    const text = (env: Record<string, string>) => banner(readConfig(env), 3000, new Error('off'), new Error('off'));
    const mail = {
      SMTP_URL: 'smtps://chat:secret@mail.school.example',
      MAIL_FROM: 'chat@school.example',
      PUBLIC_URL: 'https://chat.school.example',
    };
    expect(text({ AUTH: 'accounts', ...mail })).toMatch(/^ {2}mail {8}by mail\.school\.example:465$/m);
    expect(text({ AUTH: 'accounts', ...mail })).not.toContain('secret');
    expect(text({ AUTH: 'accounts' })).toMatch(/^ {2}mail {8}none; links are copied$/m);
    expect(text({})).not.toMatch(/^ {2}mail/m);
  });

  it('names the default model, and where it runs', () => {
    const model: Models['models'][number] = {
      id: 'small:1b',
      provider: 'embedded',
      size_bytes: 1,
      parameter_size: null,
      quantization: null,
      context_length: null,
      capabilities: { thinking: false, vision: false, tools: false },
      loaded: false,
      is_default: true,
    };
    expect(line({ models: [model] })).toBe('model       small:1b (built in, small)');
  });
});
