import { hostname, networkInterfaces } from 'node:os';
import { describe, expect, it } from 'vitest';
import { readConfig } from '#lib/config/config';
import { checkHost } from '#lib/http/host-check';

const codeOf = (host: string | undefined, environment: Record<string, string> = {}) =>
  checkHost(host, readConfig(environment))?.code ?? 'served';

describe('Host check without keys', () => {
  const addresses = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
  const own = addresses.map(({ address, family }) => (family === 'IPv6' ? `[${address}]` : address));

  it.each([
    ...['localhost', 'LocalHost', 'localhost.', 'app.localhost', 'a.b.LOCALHOST.', '127.0.0.1', '127.1.2.3'],
    ...['[::1]', '[0:0:0:0:0:0:0:1]', '[::ffff:127.0.0.1]', hostname(), hostname().toUpperCase(), ...own],
  ])('serves %s, with and without a port', (host) => {
    expect([codeOf(host), codeOf(`${host}:3000`), codeOf(`${host}:`)]).toEqual(['served', 'served', 'served']);
  });

  it.each([
    ...['evil.example', 'evil.example:3000', 'localhost.evil.example', 'evillocalhost', '127.0.0.1.evil.example'],
    ...['0.0.0.0', '[::]', '192.0.2.1', '[2001:db8::1]', '127.1', '2130706433', '0x7f.0.0.1', '.'],
  ])('refuses %s', (host) => {
    expect(codeOf(host)).toBe('host_not_allowed');
  });

  it('refuses a request without Host', () => {
    expect(codeOf(undefined)).toBe('host_not_allowed');
  });

  it.each([
    '',
    'a b',
    'a/b',
    'user@localhost',
    'localhost:80:80',
    'localhost:http',
    '[::1',
    '[localhost]',
    '[1::2::3]',
  ])('rejects %j as malformed', (host) => {
    expect([codeOf(host), codeOf(host, { API_KEYS: 'a-key-of-sixteen-characters' })]).toEqual([
      'invalid_request',
      'invalid_request',
    ]);
  });

  it('serves the names in ALLOWED_HOSTS in any spelling', () => {
    const environment = { ALLOWED_HOSTS: 'chat.example.org,*.vercel.app,2001:db8::1' };
    for (const host of [
      'chat.example.org',
      'CHAT.Example.ORG.:443',
      'a.vercel.app',
      'a.b.vercel.app',
      '[2001:db8:0::1]:80',
    ])
      expect(codeOf(host, environment), host).toBe('served');
    for (const host of ['example.org', 'a.chat.example.org', 'vercel.app', 'evilvercel.app', '[2001:db8::2]'])
      expect(codeOf(host, environment), host).toBe('host_not_allowed');
    expect([codeOf('any.example', { ALLOWED_HOSTS: '*' }), codeOf(undefined, { ALLOWED_HOSTS: '*' })]).toEqual([
      'served',
      'served',
    ]);
  });

  it('serves the address in HOST', () => {
    expect([codeOf('0.0.0.0:3000', { HOST: '0.0.0.0' }), codeOf('[::]:3000', { HOST: '::' })]).toEqual([
      'served',
      'served',
    ]);
  });

  it('does not reuse a result under other settings', () => {
    expect(codeOf('chat.example.org', { ALLOWED_HOSTS: 'chat.example.org' })).toBe('served');
    expect(codeOf('chat.example.org')).toBe('host_not_allowed');
  });

  it('names the settings to change', () => {
    const fault = checkHost('chat.example.org:80', readConfig({}));
    expect(fault?.message).toMatch(/chat\.example\.org.*ALLOWED_HOSTS.*API_KEYS/);
  });
});

it('serves any host if keys are set', () => {
  const environment = { API_KEYS: 'a-key-of-sixteen-characters' };
  expect([codeOf('chat.example.org', environment), codeOf(undefined, environment)]).toEqual(['served', 'served']);
});
