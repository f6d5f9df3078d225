import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { revoke } from '#lib/http/open-work';
import { resetSingleton } from '#lib/singletons';
import {
  closeAll,
  openExchanges,
  type Seen,
  startBackend,
  startEcho,
  startGateway,
} from '../support/gateway-backend.ts';
import { asPerson, PEOPLE, type Person, registerPeople } from '../support/people.ts';

const KEY = 'an-administrators-key';
const ACCOUNTS = { AUTH: 'accounts', API_KEYS: KEY };

beforeEach(() => {
  for (const name of ['http.identities', 'http.open-work']) resetSingleton(name);
  registerPeople();
});

afterEach(async () => {
  await closeAll();
  resetSingleton('http.identities');
});

describe('a person at the gateway', () => {
  it.each<[Person, number]>([
    ['member', 200],
    ['manager', 200],
    ['admin', 200],
    ['key for gateway', 200],
    ['key for chat', 403],
    ['key for stats', 403],
    ["administrator's key for chat", 403],
    ['key for one model', 403],
  ])('%s gets %i', async (person, status) => {
    const { url: backend, seen } = await startEcho();
    const { url } = await startGateway(backend, ACCOUNTS);
    for (const slow of [{}, { 'x-test-slow': '1' }]) {
      const response = await fetch(`${url}/gateway/x`, {
        method: 'POST',
        body: 'x'.repeat(100_000),
        headers: { ...asPerson(person), ...slow },
      });
      await response.text();
      expect(response.status).toBe(status);
    }
    expect(seen.map(({ body }) => body.length)).toEqual(status === 200 ? [100_000, 100_000] : []);
  });

  it('keeps the key of a person from the backend', async () => {
    const { url: backend } = await startEcho();
    const { url } = await startGateway(backend, ACCOUNTS);
    const text = await (await fetch(`${url}/x`, { headers: asPerson('key for gateway') })).text();
    expect(text).not.toContain('token-of');
  });

  it('opens a WebSocket with the scope, and loses it with the right to it', async () => {
    const { url: backend, server } = await startBackend((_incoming, outgoing) => outgoing.end());
    server.on('upgrade', (_incoming, socket) => {
      socket.on('error', () => {});
      socket.on('end', () => socket.end());
      socket.resume();
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    });
    const { port } = await startGateway(backend, ACCOUNTS);
    const open = async (person: Person, more = '') => {
      const socket: Socket = connect(port, '127.0.0.1');
      socket.on('error', () => {});
      socket.write(
        `GET /live HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${asPerson(person).authorization}\r\n${more}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
      );
      const [first] = (await once(socket, 'data')) as [Buffer];
      return { socket, status: String(first).slice(9, 12) };
    };
    expect((await open('key for chat')).status).toBe('403');
    const mine = await open('member');
    const slow = await open('member', 'x-test-slow: 1\r\n');
    const other = await open('outsider');
    expect([mine.status, slow.status, other.status]).toEqual(['101', '101', '101']);
    revoke([PEOPLE.member.caller]);
    await Promise.all([once(mine.socket, 'close'), once(slow.socket, 'close')]);
    expect(other.socket.destroyed).toBe(false);
    other.socket.destroy();
  });

  it('loses its open exchanges with the right to them', async () => {
    const { url: backend } = await startBackend((_incoming, outgoing) => {
      outgoing.on('error', () => {});
      outgoing.writeHead(200).write('begin');
    });
    const { url } = await startGateway(backend, ACCOUNTS);
    const response = await fetch(`${url}/x`, { headers: asPerson('member') });
    const other = await fetch(`${url}/x`, { headers: asPerson('outsider') });
    revoke([PEOPLE.member.caller]);
    await expect(response.text()).rejects.toThrow();
    await vi.waitFor(() => expect(openExchanges()).toBe(1));
    await other.body?.cancel();
    await vi.waitFor(() => expect(openExchanges()).toBe(0));
  });
});

it('closes the stream of a route within a second after its caller was locked out', async () => {
  const { url } = await startGateway('', { ...ACCOUNTS });
  const response = await fetch(`${url}/slow`, { headers: asPerson('member') });
  const other = await fetch(`${url}/slow`, { headers: asPerson('outsider') });
  const reader = other.body?.getReader();
  await reader?.read();
  const ended = response.text().then(
    () => 'ended',
    () => 'broken off',
  );
  revoke([PEOPLE.member.caller]);
  expect(await ended).toBe('broken off');
  expect(await Promise.race([reader?.read().then(() => 'ended'), 'open'])).toBe('open');
  await reader?.cancel();
});

describe('the header of a trusted proxy', () => {
  const PROXIED = { API_KEYS: KEY, TRUST_PROXY: 'loopback', TRUSTED_USER_HEADER: 'X-Forwarded-User' };

  it('lets a person through, and reaches no backend in any spelling', async () => {
    const { url: backend } = await startEcho();
    const { url } = await startGateway(backend, PROXIED);
    const sent = { 'x-forwarded-user': 'ann', X_Forwarded_User: 'eve', 'x-other': 'kept' };
    const text = await (await fetch(`${url}/x`, { headers: sent })).text();
    const { headers, raw } = JSON.parse(text) as Seen;
    expect(headers['x-other']).toBe('kept');
    expect(raw.filter((part) => /forwarded.user|ann|eve/i.test(part))).toEqual([]);
  });

  it('is refused from a client that reaches the server itself', async () => {
    const { url: backend, seen } = await startEcho();
    const { url } = await startGateway(backend, { ...PROXIED, TRUST_PROXY: '10.9.9.9' });
    for (const more of [{}, { authorization: `Bearer ${KEY}` }, { 'x-forwarded-for': '10.9.9.9' }]) {
      const response = await fetch(`${url}/x`, { headers: { 'x-forwarded-user': 'ann', ...more } });
      expect([response.status, (await response.json()).code]).toEqual([403, 'forbidden']);
    }
    expect(seen).toEqual([]);
  });
});
