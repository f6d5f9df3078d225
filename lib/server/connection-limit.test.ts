import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { readConfig } from '#lib/config/config';
import { fileDescriptorLimit, maxClientConnections } from '#lib/file-descriptor-limit';
import { isSharedAddress, limitConnections } from '#lib/server/connection-limit';
import { MIB } from '#lib/units';

/** More than the kernel buffers for a client that does not read. */
const LARGE = 8 * MIB;

let server: Server;
const sockets: Socket[] = [];

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  server?.close();
});

/** A server that responds to all paths but `/wait`. */
async function start(most: number, isShared: boolean): Promise<number> {
  server = createServer((incoming, outgoing) => {
    if (incoming.url === '/large') outgoing.end('a'.repeat(LARGE));
    else if (incoming.url !== '/wait') outgoing.end('served');
  });
  limitConnections(server, most, () => isShared);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

/** Sends a request over a new connection, which stays open. */
async function ask(port: number, path: string, localAddress = '127.0.0.1') {
  const socket = connect({ port, host: '127.0.0.1', localAddress });
  sockets.push(socket);
  let text = '';
  let isClosed = false;
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    text += String(chunk);
  });
  socket.on('close', () => {
    isClosed = true;
  });
  await once(socket, 'connect');
  socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
  return { socket, text: () => text, isClosed: () => isClosed };
}

describe('connection limit', () => {
  it('closes no connection whose client still reads a response', async () => {
    const port = await start(10, true);
    const reader = await ask(port, '/large');
    await once(reader.socket, 'data');
    reader.socket.pause();
    const idle = await ask(port, '/');
    await expect.poll(idle.text).toContain('served');
    for (let count = 0; count < 20; count++) await ask(port, '/wait');
    await expect.poll(idle.isClosed).toBe(true);
    reader.socket.resume();
    await expect.poll(() => reader.text().length).toBeGreaterThan(LARGE);
    expect(reader.isClosed()).toBe(false);
  });

  it('leaves connections for other addresses, and frees them when they close', async () => {
    const port = await start(10, false);
    const held = await Promise.all(Array.from({ length: 12 }, () => ask(port, '/wait')));
    await expect.poll(() => held.filter(({ isClosed }) => isClosed()).length).toBe(4);
    const other = await ask(port, '/', '127.0.0.2');
    await expect.poll(other.text).toContain('served');
    for (const { socket } of held) socket.destroy();
    await expect.poll(() => new Promise((resolve) => server.getConnections((_, count) => resolve(count)))).toBe(1);
    const again = await ask(port, '/');
    await expect.poll(again.text).toContain('served');
  });

  it('closes idle connections if a shared address holds all', async () => {
    const port = await start(10, true);
    for (let count = 0; count < 20; count++) {
      const next = await ask(port, '/');
      // A refused connection made the server close an idle one.
      await expect.poll(() => next.text() !== '' || next.isClosed()).toBe(true);
    }
    await expect
      .poll(async () => {
        const { text } = await ask(port, '/');
        await expect.poll(() => text() !== '' || sockets.at(-1)?.closed === true).toBe(true);
        return text();
      })
      .toContain('served');
  });

  it('follows the descriptor limit, with a second descriptor for each WebSocket', () => {
    const env = { PRIVATE_BACKEND_URL: 'http://a,http://b', GATEWAY_POOL_SIZE: '50' };
    expect(maxClientConnections(1_024, readConfig(env))).toBe(531);
    expect(maxClientConnections(1_048_576, readConfig(env))).toBe(20_000);
    expect(maxClientConnections(64, readConfig(env))).toBe(32);
    if (process.platform === 'linux') expect(fileDescriptorLimit()).toBeGreaterThan(100);
  });

  it('counts by address, except for loopback and trusted proxies', () => {
    const trust = { networks: ['10.0.0.0/8'] };
    for (const peer of ['127.0.0.1', '::ffff:127.0.0.1', '::1', '10.1.2.3'])
      expect(isSharedAddress(peer, trust)).toBe(true);
    for (const peer of ['192.0.2.1', '2001:db8::1']) expect(isSharedAddress(peer, trust)).toBe(false);
    expect(isSharedAddress('10.1.2.3', undefined)).toBe(false);
  });
});
