import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { gateway } from '#lib/gateway/index';
import { freePort } from '../support/free-port.ts';
import { closeAll, closedPort, startBackend, startGateway } from '../support/gateway-backend.ts';
import { whenServing } from '../support/running-app.ts';

const sockets: Socket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await closeAll();
});

/** A backend that opens each WebSocket, but refuses `/refuse` and never responds to `/silent`. */
async function startOpener(): Promise<string> {
  const { url, server } = await startBackend((_incoming, outgoing) => outgoing.end('backend'));
  server.on('upgrade', (incoming: IncomingMessage, socket: Socket) => {
    socket.on('error', () => {});
    socket.on('end', () => socket.end());
    socket.resume();
    if (incoming.url === '/refuse') socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno');
    else if (incoming.url !== '/silent')
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
  });
  return url;
}

/** Asks for a WebSocket; resolves with what came first, empty if the connection closed before. */
async function open(port: number, path: string, localAddress = '127.0.0.1'): Promise<{ socket: Socket; text: string }> {
  const socket = send(port, path, localAddress);
  const text = await new Promise<string>((resolve) => {
    socket.once('data', (chunk) => resolve(String(chunk)));
    socket.once('close', () => resolve(''));
  });
  return { socket, text };
}

function send(port: number, path: string, localAddress = '127.0.0.1'): Socket {
  const socket = connect({ port, host: '127.0.0.1', localAddress });
  sockets.push(socket);
  socket.on('error', () => {});
  socket.write(
    `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
  );
  return socket;
}

const held = () => gateway().webSockets.running;

describe('WebSockets', () => {
  it('are not all held by one client, and are free again after it', async () => {
    const { port, url } = await startGateway(await startOpener(), { GATEWAY_MAX_WEBSOCKETS: '5' });
    for (let round = 0; round < 2; round++) {
      const own = [];
      for (let count = 0; count < 4; count++) own.push(await open(port, '/live'));
      expect(own.map(({ text }) => text.slice(0, 12))).toEqual(Array(4).fill('HTTP/1.1 101'));
      const above = await open(port, '/live');
      expect(above.text).toMatch(
        /^HTTP\/1\.1 503 [\s\S]*retry-after: 2[\s\S]*"error":"Too many WebSocket connections[\s\S]*"queue_full"/,
      );
      const other = await open(port, '/live', '127.0.0.2');
      expect(other.text).toMatch(/^HTTP\/1\.1 101 /);
      expect((await open(port, '/live', '127.0.0.3')).text).toMatch(/^HTTP\/1\.1 503 /);
      expect(held()).toBe(5);
      expect((await fetch(`${url}/health`)).status).toBe(200);
      for (const { socket } of [...own, other]) socket.destroy();
      await expect.poll(held).toBe(0);
    }
    expect(gateway().stats().backends[0]).toMatchObject({ state: 'up', failures: 0, waiting: 0 });
  });

  it('that the backend refuses give their places back', async () => {
    const { port } = await startGateway(await startOpener(), { GATEWAY_MAX_WEBSOCKETS: '2' });
    for (let count = 0; count < 4; count++) {
      const { socket, text } = await open(port, '/refuse');
      expect(text).toMatch(/^HTTP\/1\.1 403 /);
      socket.destroy();
      await expect.poll(held).toBe(0);
    }
  });

  it('that the backend refuses give them back though the client keeps its side open', async () => {
    const { port } = await startGateway(await startOpener(), { GATEWAY_MAX_WEBSOCKETS: '2' });
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    sockets.push(socket);
    socket.on('error', () => {});
    socket.resume();
    socket.write('GET /refuse HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    await once(socket, 'end');
    expect(held()).toBe(1);
    await expect.poll(held, { timeout: 15_000 }).toBe(0);
  }, 20_000);

  it('that no backend accepts hold places while they wait, and no longer than their client', async () => {
    const { port } = await startGateway(await startOpener(), { GATEWAY_MAX_WEBSOCKETS: '5' });
    const silent = Array.from({ length: 4 }, () => send(port, '/silent'));
    await expect.poll(held).toBe(4);
    expect((await open(port, '/live')).text).toMatch(/^HTTP\/1\.1 503 /);
    for (const socket of silent) socket.destroy();
    await expect.poll(held).toBe(0);
    expect((await open(port, '/live')).text).toMatch(/^HTTP\/1\.1 101 /);
  });

  it('get what their client sent before they were open, in order', async () => {
    let received = '';
    const { url, server } = await startBackend((_incoming, outgoing) => outgoing.end());
    server.on('upgrade', (_incoming: IncomingMessage, socket: Socket, head: Buffer) => {
      received += String(head);
      socket.on('error', () => {});
      socket.on('end', () => socket.end());
      socket.on('data', (chunk) => {
        received += String(chunk);
      });
      setTimeout(() => socket.write('HTTP/1.1 101 \r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'), 300);
    });
    const { port } = await startGateway(url);
    const socket = connect({ port, host: '127.0.0.1' });
    sockets.push(socket);
    socket.write('GET /live HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\none ');
    await expect.poll(held).toBe(1);
    socket.write('two ');
    await once(socket, 'data');
    socket.write('three');
    await expect.poll(() => received).toBe('one two three');
  });

  it('that get no response in time, or that no backend takes, return their places', async () => {
    const env = { GATEWAY_MAX_WEBSOCKETS: '2', GATEWAY_TIMEOUT_MS: '200' };
    const late = await startGateway(await startOpener(), env);
    expect((await open(late.port, '/silent')).text).toMatch(/^HTTP\/1\.1 504 /);
    await expect.poll(held).toBe(0);
    const none = await startGateway(`http://127.0.0.1:${await closedPort()}`, env);
    expect((await open(none.port, '/live')).text).toMatch(/^HTTP\/1\.1 502 /);
    await expect.poll(held).toBe(0);
  });

  it('leave descriptors for others where the process may have few', async () => {
    const port = await freePort();
    const child = spawn('sh', ['-c', 'ulimit -n 500 && exec "$0" server.ts', process.execPath], {
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        NODE_ENV: 'production',
        HOST: '127.0.0.1',
        PORT: String(port),
        MODEL_PROVIDER: 'embedded',
        PRIVATE_BACKEND_URL: await startOpener(),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
    const ended = once(child, 'close').then(([code]) => code as number | null);
    const stop = async () => {
      child.kill('SIGKILL');
      return await ended;
    };
    try {
      const app = { pid: child.pid ?? -1, output: () => output, ended, stop };
      const { url } = await whenServing(`http://127.0.0.1:${port}`, app);
      const all = await Promise.all(Array.from({ length: 600 }, () => open(port, '/live')));
      expect(all.filter(({ text }) => text.startsWith('HTTP/1.1 101 ')).length).toBe(86);
      expect((await fetch(`${url}/health`)).status).toBe(200);
      expect((await open(port, '/live', '127.0.0.2')).text).toMatch(/^HTTP\/1\.1 101 /);
      expect(output).not.toMatch(/EMFILE|backend is down/);
    } finally {
      await stop();
    }
  }, 60_000);
});
