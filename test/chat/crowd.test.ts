import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NO_PROGRAMS, type RunningApp, startApp } from '../support/running-app.ts';

/**
 * Clients that occupy the server without requests: each is bounded, and no other client notices.
 */

const CROWD = 10_000;
const AT_ONCE = 200;
const MB = 1024 * 1024;

let app: RunningApp;

beforeAll(async () => {
  app = await startApp('server', { ...NO_PROGRAMS, MODEL_PROVIDER: 'ollama', OLLAMA_API_URL: 'http://127.0.0.1:1' });
}, 60_000);
afterAll(() => app.stop());

describe.concurrent('a crowd', { timeout: 120_000 }, () => {
  it('of 10,000 silent connections is closed while the server serves others', async () => {
    const before = residentBytes();
    const crowd: Client[] = [];
    while (crowd.length < CROWD)
      crowd.push(...(await Promise.all(Array.from({ length: AT_ONCE }, () => client(app.url)))));
    const crowded = residentBytes();
    expect((await fetch(`${app.url}/health`)).status).toBe(200);
    expect((crowded - before) / MB).toBeLessThan(250);
    const responses = await Promise.all(crowd.map(({ ended }) => ended));
    for (const response of responses) expect(response).toMatch(/^HTTP\/1\.1 408 .*"code":"invalid_request"/s);
    expect((await fetch(`${app.url}/health`)).status).toBe(200);
  });

  it.each([
    ['headers', 'POST /api/chat-optimized HTTP/1.1\r\nHost: a\r\n'],
    ['a request line', 'POST /api/chat'],
  ])('that sends %s byte by byte is shown out at the same time', async (_name, opening) => {
    const slow = await client(app.url);
    slow.socket.write(opening);
    const drip = setInterval(() => slow.socket.write('x'), 250);
    const reply = await slow.ended;
    clearInterval(drip);
    expect(reply).toMatch(/^HTTP\/1\.1 408 /);
  });
});

interface Client {
  socket: Socket;
  /** All that came until the server closed. */
  ended: Promise<string>;
}

function client(url: string): Promise<Client> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    let seen = '';
    socket.setEncoding('utf8').on('data', (text: string) => {
      seen += text;
    });
    const ended = new Promise<string>((close) => socket.once('close', () => close(seen)));
    // After the server has closed, a late byte is refused with a reset: its response has arrived
    // by then.
    socket.once('connect', () => resolve({ socket, ended })).on('error', reject);
  });
}

function residentBytes(): number {
  const kb = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${app.pid}/status`, 'utf8'))?.[1];
  return Number(kb) * 1024;
}
