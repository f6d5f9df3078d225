import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { gateway } from '#lib/gateway/index';
import {
  closeAll,
  closedPort,
  openExchanges,
  startBackend,
  startEcho,
  startGateway,
  TOKEN,
} from '../support/gateway-backend.ts';

/** Backends that are added, drained and removed while the gateway runs. */

afterEach(closeAll);

const textOf = async (url: string, headers: Record<string, string> = {}) => {
  const response = await fetch(url, { headers });
  return { status: response.status, text: await response.text() };
};

/** A backend whose responses end when the test says so. */
async function startHeld() {
  const held: (() => void)[] = [];
  const { url } = await startBackend((_incoming, outgoing) => {
    outgoing.writeHead(200).write('begin ');
    held.push(() => outgoing.end('end'));
  });
  return { url, held };
}

describe('a backend that is added', () => {
  it('serves a gateway that had none, from the next request on, until it is removed', async () => {
    const { url: backend, seen } = await startEcho();
    const { url } = await startGateway('');
    expect((await textOf(`${url}/x`)).status).toBe(404);
    const added = gateway().add(backend);
    expect((await textOf(`${url}/x`)).status).toBe(200);
    expect((await textOf(`${url}/gateway/y`)).status).toBe(200);
    expect(seen.map((request) => request.url)).toEqual(['/x', '/y']);
    gateway().remove(added);
    expect((await textOf(`${url}/x`)).status).toBe(404);
    expect(gateway().state).toBe('not_configured');
  });

  it('never gets the token, but what the caller sends', async () => {
    const { url: backend, seen } = await startEcho();
    const { url } = await startGateway('', { HF_TOKEN: TOKEN });
    gateway().add(backend);
    await textOf(`${url}/x`);
    await textOf(`${url}/x`, { authorization: 'Bearer mine' });
    expect(seen.map(({ headers }) => headers.authorization)).toEqual([undefined, 'Bearer mine']);
    expect(JSON.stringify(seen)).not.toContain(TOKEN);
  });

  it('gets no token where it takes over from one of the environment, nor with a WebSocket or a check', async () => {
    const { url: backend, seen } = await startEcho();
    const dead = `http://127.0.0.1:${await closedPort()}`;
    const { url, port } = await startGateway(dead, { HF_TOKEN: TOKEN, GATEWAY_HEALTH_PATH: '/well' });
    gateway().add(backend);
    for (let count = 0; count < 4; count++) expect((await textOf(`${url}/x`)).status).toBe(200);
    await gateway().checkBackends(0);
    const socket = connect(port, '127.0.0.1');
    socket.write(
      'GET /live HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
    await once(socket, 'data');
    socket.destroy();
    expect(seen.map((request) => request.url)).toEqual(expect.arrayContaining(['/x', '/well', '/live']));
    expect(JSON.stringify(seen)).not.toContain(TOKEN);
  });

  it('next to one of the environment leaves that its token', async () => {
    const [one, other] = [await startEcho(), await startEcho()];
    const { url } = await startGateway(one.url, { HF_TOKEN: TOKEN });
    gateway().add(other.url);
    for (let count = 0; count < 20; count++) await textOf(`${url}/x`);
    expect(one.seen.every(({ headers }) => headers.authorization === `Bearer ${TOKEN}`)).toBe(true);
    expect(other.seen.every(({ headers }) => headers.authorization === undefined)).toBe(true);
    expect(one.seen.length + other.seen.length).toBe(20);
  });

  it('cannot find out the token by what is masked or held back in its responses', async () => {
    const released = Promise.withResolvers<void>();
    const { url: backend } = await startBackend((_incoming, outgoing) => {
      outgoing.writeHead(200).write(TOKEN.slice(0, -1));
      void released.promise.then(() => outgoing.end(TOKEN.slice(-1)));
    });
    const { url } = await startGateway('', { HF_TOKEN: TOKEN });
    gateway().add(backend);
    const response = await fetch(`${url}/x`);
    const reader = response.body?.getReader();
    const first = await reader?.read();
    expect(Buffer.from(first?.value ?? []).toString()).toBe(TOKEN.slice(0, -1));
    released.resolve();
    const second = await reader?.read();
    expect(Buffer.from(second?.value ?? []).toString()).toBe(TOKEN.slice(-1));
  });
});

describe('a backend that drains', () => {
  it('gets no new request while those in flight end, and gets requests again', async () => {
    const [held, other] = [await startHeld(), await startEcho()];
    const { url } = await startGateway(held.url);
    const inFlight = fetch(`${url}/held`);
    await vi.waitFor(() => expect(held.held).toHaveLength(1));
    const [backend] = gateway().backends;
    if (backend === undefined) throw new Error('there is no backend');
    gateway().add(other.url);
    gateway().drain(backend, true);
    for (let count = 0; count < 10; count++) expect((await textOf(`${url}/x`)).status).toBe(200);
    expect([held.held.length, other.seen.length]).toEqual([1, 10]);
    expect(gateway().stats().backends).toMatchObject([{ draining: true, active: 1 }, { draining: false }]);
    held.held[0]?.();
    expect(await (await inFlight).text()).toBe('begin end');
    await vi.waitFor(() => expect(backend.stats().active).toBe(0));
    gateway().drain(backend, false);
    const again = Array.from({ length: 20 }, () => fetch(`${url}/y`));
    await vi.waitFor(() => expect(held.held.length).toBeGreaterThan(1));
    const ending = setInterval(() => {
      for (const end of held.held.splice(0)) end();
    }, 10);
    await vi.waitFor(() => expect(openExchanges()).toBe(0));
    clearInterval(ending);
    await Promise.all(again.map(async (response) => (await response).text()));
  });

  it('leaves 503 with Retry-After where it was the only one', async () => {
    const { url: backend, seen } = await startEcho();
    const { url } = await startGateway(backend);
    const [only] = gateway().backends;
    if (only === undefined) throw new Error('there is no backend');
    gateway().drain(only, true);
    const response = await fetch(`${url}/x`);
    expect([response.status, response.headers.get('retry-after'), await response.json()]).toEqual([
      503,
      '30',
      expect.objectContaining({ code: 'not_configured' }),
    ]);
    expect([seen.length, gateway().state]).toEqual([0, 'down']);
    gateway().drain(only, false);
    expect((await textOf(`${url}/x`)).status).toBe(200);
  });
});

describe('a backend that is removed', () => {
  it('ends its requests in flight, and its connections after them', async () => {
    const held = await startHeld();
    const { url } = await startGateway('');
    const backend = gateway().add(held.url);
    const inFlight = fetch(`${url}/held`);
    await vi.waitFor(() => expect(held.held).toHaveLength(1));
    gateway().remove(backend);
    expect((await textOf(`${url}/x`)).status).toBe(404);
    expect(backend.stats().connections).toBe(1);
    held.held[0]?.();
    expect(await (await inFlight).text()).toBe('begin end');
    await vi.waitFor(() => expect(backend.stats().connections).toBe(0));
  });

  it('closes its WebSockets, which have no end of their own', async () => {
    const { url: address, server } = await startBackend((_incoming, outgoing) => outgoing.end());
    server.on('upgrade', (_incoming, socket) => {
      socket.on('error', () => {});
      socket.on('end', () => socket.end());
      socket.resume();
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    });
    const { port } = await startGateway('');
    const backend = gateway().add(address);
    const socket: Socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write(
      'GET /live HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
    const [first] = (await once(socket, 'data')) as [Buffer];
    expect([String(first).slice(9, 12), backend.webSockets]).toEqual(['101', 1]);
    gateway().drain(backend, true);
    expect(backend.webSockets).toBe(1);
    socket.resume();
    const closed = once(socket, 'close');
    gateway().remove(backend);
    await closed;
    await vi.waitFor(() => expect(backend.webSockets).toBe(0));
  });
});
