import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SERVER_ARGUMENTS } from '../../scripts/server-process.ts';
import { freePort } from '../support/free-port.ts';
import { launch, type RunningApp, whenServing } from '../support/running-app.ts';

let app: RunningApp;
const sockets: Socket[] = [];

beforeAll(async () => {
  const port = await freePort();
  const env = { PORT: String(port), LOG_LEVEL: 'error', API_KEYS: 'first-key-of-the-test,other-key-of-the-test' };
  app = await whenServing(`http://127.0.0.1:${port}`, launch([...SERVER_ARGUMENTS], env));
}, 60_000);

afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  await app.stop();
});

const FIRST = { authorization: 'Bearer first-key-of-the-test' };
const OTHER = { authorization: 'Bearer other-key-of-the-test' };

const post = (path: string, body: string, headers: Record<string, string> = FIRST) =>
  fetch(app.url + path, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } });

function residentMb(): number {
  const line = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${app.pid}/status`, 'utf8'))?.[1];
  return Number(line) / 1024;
}

/**
 * Begins to send a body of 20 MiB, all but its end. `status` is that of a response, −1 where the
 * connection was closed without one that could be read, and 0 until then.
 */
function upload(framing: 'length' | 'chunks'): { status: number } {
  const bytes = 20 * 1024 * 1024;
  const frame = framing === 'length' ? `Content-Length: ${bytes}` : 'Transfer-Encoding: chunked';
  const head = `POST /api/chat-queue HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${FIRST.authorization}\r\nContent-Type: application/json\r\n${frame}\r\n\r\n`;
  const piece = Buffer.alloc(64 * 1024, 'x');
  const data = framing === 'length' ? piece : Buffer.concat([Buffer.from('10000\r\n'), piece, Buffer.from('\r\n')]);
  const state = { status: 0 };
  const socket = connect(Number(new URL(app.url).port), '127.0.0.1');
  sockets.push(socket);
  socket.on('error', () => {});
  socket.on('close', () => {
    state.status ||= -1;
  });
  socket.on('data', (chunk) => {
    state.status ||= Number(/^HTTP\/1\.1 (\d+)/.exec(chunk.toString('latin1'))?.[1]);
  });
  socket.write(head);
  let left = 300;
  const send = () => {
    while (left > 0 && !socket.destroyed) {
      left -= 1;
      if (!socket.write(data)) return;
    }
  };
  socket.on('drain', send);
  send();
  return state;
}

describe('bodies that are being received', () => {
  it.each(['length', 'chunks'] as const)(
    'are bounded together where 40 of 20 MiB come at once (%s), and others are served meanwhile',
    async (framing) => {
      const before = residentMb();
      const uploads = Array.from({ length: 40 }, () => upload(framing));
      const latencies: number[] = [];
      for (let count = 0; count < 10; count++) {
        const began = performance.now();
        const response = await post(
          '/api/v1/code/run',
          JSON.stringify({ language: 'nothing', code: 'x'.repeat(100_000) }),
          OTHER,
        );
        expect(response.status).toBe(400);
        latencies.push(performance.now() - began);
      }
      const open = () => uploads.filter(({ status }) => status === 0).length;
      await expect.poll(open, { timeout: 40_000 }).toBeLessThanOrEqual(8);
      const statuses = new Set(uploads.map(({ status }) => status));
      expect([...statuses].filter((status) => ![0, -1, 503].includes(status))).toEqual([]);
      expect(statuses).toContain(503);
      // 64 MB of one caller, what was outgrown and not yet collected, and what the refused sent in
      // passing.
      expect(residentMb() - before).toBeLessThan(250);
      expect(Math.max(...latencies)).toBeLessThan(10_000);
      for (const socket of sockets.splice(0)) socket.destroy();
      // What the connections held is free for the same caller again.
      const large = JSON.stringify({ language: 'nothing', code: 'x'.repeat(1_000_000) });
      await expect.poll(async () => (await post('/api/v1/code/run', large)).status, { timeout: 10_000 }).toBe(400);
    },
    60_000,
  );

  it('that no limit allows are refused by their length, before they come', async () => {
    const reply = await post('/api/session', 'x'.repeat(5_000));
    expect([reply.status, (await reply.json()).code]).toEqual([413, 'body_too_large']);
  });
});

describe('JSON that is nested too deep', () => {
  const deep = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
  const DEEP = deep(150_000);

  it.each([
    ['/api/chat-optimized', `{"messages":${DEEP}}`],
    ['/api/chat-stream', `{"messages":[{"role":"user","content":"x"}],"options":{"a":${DEEP}}}`],
    ['/api/chat-queue', `{"messages":[{"role":"user","content":"x"}],"format":{"a":${DEEP}}}`],
    ['/v1/chat/completions', `{"messages":[{"role":"user","content":"x"}],"tools":${DEEP}}`],
    ['/v1/messages', `{"model":"x","messages":[{"role":"user","content":${DEEP}}]}`],
    ['/v1/responses', `{"input":${DEEP}}`],
    ['/api/chat', `{"model":"x","messages":${DEEP}}`],
    ['/api/generate', `{"model":"x","prompt":"x","options":{"a":${DEEP}}}`],
    ['/api/show', `{"model":${deep(4_000)}}`],
    ['/api/cache-stats', `{"action":"clear","data":${deep(4_000)}}`],
    ['/api/session', `{"key":${deep(1_000)}}`],
    ['/api/v1/code/run', `{"language":"python","code":"1","files":${DEEP}}`],
    ['/api/executors/python/execute', `{"code":${DEEP}}`],
    ['/api/executors/python/validate', `{"code":"1","files":${DEEP}}`],
  ])('is a 400 at %s, within a moment', async (path, body) => {
    const began = performance.now();
    // Not the caller of the uploads: the server may still be reading what is left of them.
    const result = await post(path, body, OTHER);
    const text = await result.text();
    expect([result.status, text]).toEqual([400, expect.stringContaining('nested too deeply')]);
    expect(performance.now() - began).toBeLessThan(10_000);
  });

  it("is left as the string that it is in a tool call's arguments", async () => {
    const call = { id: 'c', type: 'function', function: { name: 'f', arguments: `{"a":${deep(3_000)}}` } };
    const messages = [
      { role: 'user', content: 'x' },
      { role: 'assistant', tool_calls: [call] },
      { role: 'tool', tool_call_id: 'c', content: 'x' },
    ];
    expect((await post('/v1/chat/completions', JSON.stringify({ messages }), OTHER)).status).toBe(200);
  });

  it('leaves the log without a stack', () => {
    expect(app.output()).not.toMatch(/RangeError|Maximum call stack/);
  });
});
