import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { SERVER_ARGUMENTS } from '../../scripts/server-process.ts';
import { freePort } from '../support/free-port.ts';
import { closeAll, startBackend } from '../support/gateway-backend.ts';
import { launch, type RunningApp, whenServing } from '../support/running-app.ts';

let app: RunningApp;
const sockets: Socket[] = [];

beforeAll(async () => {
  const { url: backend } = await startBackend((incoming, outgoing) => {
    if (incoming.url === '/quick') outgoing.end('quick');
    // Reads the body of a stalled request, and never responds.
    else incoming.resume();
  });
  const port = await freePort();
  const env = { PORT: String(port), LOG_LEVEL: 'silent', PRIVATE_BACKEND_URL: backend };
  app = await whenServing(`http://127.0.0.1:${port}`, launch([...SERVER_ARGUMENTS], env));
}, 120_000);

afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  await app.stop();
  await closeAll();
});

function residentMb(): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${app.pid}/status`, 'utf8'))?.[1]) / 1024;
}

/** Sends `bytes` from the address `client`, and writes down the first line that comes back. */
async function send(bytes: Buffer | string, client: string): Promise<{ line: () => string }> {
  const socket = connect({ port: Number(new URL(app.url).port), host: '127.0.0.1', localAddress: client });
  sockets.push(socket);
  let text = '';
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    text ||= chunk.toString('latin1').split('\r\n', 1)[0] ?? '';
  });
  await once(socket, 'connect');
  socket.write(bytes);
  return { line: () => text };
}

it('1,500 uploads of one client leave the process small, and others served', async () => {
  const before = residentMb();
  const upload = Buffer.concat([
    Buffer.from('POST /stall HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10000000\r\n\r\n'),
    Buffer.alloc(256 * 1024, 'x'),
  ]);
  const uploads: Awaited<ReturnType<typeof send>>[] = [];
  for (let count = 0; count < 1_500; count++) uploads.push(await send(upload, '127.0.0.1'));
  const quick = await send('GET /quick HTTP/1.1\r\nHost: localhost\r\n\r\n', '127.0.0.2');
  await expect.poll(quick.line, { timeout: 20_000 }).toBe('HTTP/1.1 200 OK');
  // The line holds 1,000, and what has arrived of a body that no reader takes yet is at most one
  // read of its connection.
  await expect
    .poll(() => uploads.filter(({ line }) => line().includes(' 503 ')).length, { timeout: 20_000 })
    .toBeGreaterThan(400);
  expect(residentMb() - before).toBeLessThan(250);
  const health = await fetch(`${app.url}/health`, { signal: AbortSignal.timeout(20_000) });
  expect(health.status).toBe(200);
}, 120_000);
