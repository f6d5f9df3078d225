import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib';
import { request } from 'undici';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createAppServer } from '#lib/server/app-server';
import { drain } from '#lib/server/drain';

const SCRIPT = 'let a = 1;'.repeat(500);
const FONT = Buffer.from('wOF2 and the rest of it');
let root: string;
let server: Server;
let url: string;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'chill-space-static-'));
  mkdirSync(join(root, 'app'));
  const folder = join(root, '.next/static/chunks');
  mkdirSync(folder, { recursive: true });
  for (const name of ['a.js', 'b.css', 'gone.js']) {
    writeFileSync(join(folder, name), SCRIPT);
    writeFileSync(join(folder, `${name}.br`), brotliCompressSync(SCRIPT));
    writeFileSync(join(folder, `${name}.gz`), gzipSync(SCRIPT));
  }
  mkdirSync(join(root, '.next/static/media'));
  writeFileSync(join(root, '.next/static/media/text.woff2'), FONT);
  server = await createAppServer({
    root,
    loadPages: async () => async (_incoming, outgoing) => void outgoing.writeHead(200).end('from the pages'),
  });
  rmSync(join(folder, 'gone.js.br'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/_next/static/`;
});
afterAll(async () => {
  await drain(server, 0);
  rmSync(root, { recursive: true });
});

async function get(name: string, headers: Record<string, string>, method: 'GET' | 'HEAD' | 'POST' = 'GET') {
  const response = await request(url + name, { headers, method });
  return {
    status: response.statusCode,
    headers: response.headers,
    body: Buffer.from(await response.body.arrayBuffer()),
  };
}

it('sends the smallest encoding that the browser accepts', async () => {
  const small = await get('chunks/a.js', { 'accept-encoding': 'gzip, deflate, br, zstd' });
  expect(small.status).toBe(200);
  expect(small.headers).toMatchObject({
    'content-encoding': 'br',
    'content-type': 'application/javascript; charset=utf-8',
    'cache-control': 'public, max-age=31536000, immutable',
    vary: 'Accept-Encoding',
    'content-length': String(small.body.length),
  });
  expect(brotliDecompressSync(small.body).toString()).toBe(SCRIPT);
  const plainHttp = await get('chunks/b.css', { 'accept-encoding': 'gzip, deflate' });
  expect(plainHttp.headers).toMatchObject({ 'content-encoding': 'gzip', 'content-type': 'text/css; charset=utf-8' });
  expect(gunzipSync(plainHttp.body).toString()).toBe(SCRIPT);
  expect((await get('chunks/a.js', { 'accept-encoding': 'br;q=0, gzip;q=0.5' })).headers['content-encoding']).toBe(
    'gzip',
  );
});

it('responds to HEAD without a body, and with 304 to a matching ETag', async () => {
  const head = await get('chunks/a.js', { 'accept-encoding': 'br' }, 'HEAD');
  expect([head.status, head.body.length, Number(head.headers['content-length']) > 0]).toEqual([200, 0, true]);
  const known = await get('chunks/a.js', { 'accept-encoding': 'br', 'if-none-match': String(head.headers.etag) });
  expect([known.status, known.body.length]).toEqual([304, 0]);
});

it.each([
  ['a client that takes nothing compressed', 'chunks/a.js', {}],
  ['a client that refuses it', 'chunks/a.js', { 'accept-encoding': 'br;q=0, gzip; q=0.0, identity' }],
  ['what the build has not compressed', 'chunks/c.js', { 'accept-encoding': 'br' }],
  ['what another build has taken the place of', 'chunks/gone.js', { 'accept-encoding': 'br' }],
  ['the compressed file itself', 'chunks/a.js.br', { 'accept-encoding': 'br' }],
] as const)('leaves %s to the pages', async (_what, name, headers) => {
  expect((await get(name, headers)).body.toString()).toBe('from the pages');
});

it('refuses other methods', async () => {
  const response = await get('chunks/a.js', { 'accept-encoding': 'br' }, 'POST');
  expect([response.status, response.headers.allow]).toEqual([405, 'GET, HEAD, OPTIONS']);
});

it('opens nothing outside its folder', async () => {
  writeFileSync(join(root, 'secret.js.br'), 'secret');
  const { port } = server.address() as AddressInfo;
  const response = await new Promise<string>((resolve) => {
    let text = '';
    const socket = connect(port, '127.0.0.1', () =>
      socket.end(
        'GET /_next/static/../../secret.js HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: br\r\nConnection: close\r\n\r\n',
      ),
    );
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.on('close', () => resolve(text));
  });
  expect(response).toMatch(/^HTTP\/1\.1 400 /);
  expect(response).not.toContain('secret');
});

it('sends a font uncompressed, also to clients that accept no encoding', async () => {
  for (const headers of [{ 'accept-encoding': 'br' }, { 'accept-encoding': 'identity' }, {}]) {
    const font = await get('media/text.woff2', headers);
    expect(font.status).toBe(200);
    expect(font.body.equals(FONT)).toBe(true);
    expect(font.headers['content-encoding']).toBeUndefined();
    expect(font.headers).toMatchObject({
      'content-type': 'font/woff2',
      'cache-control': 'public, max-age=31536000, immutable',
      'content-length': String(FONT.length),
    });
  }
  expect((await get('media/other.woff2', {})).body.toString()).toBe('from the pages');
});
