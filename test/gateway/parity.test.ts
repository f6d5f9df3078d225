import { createHash } from 'node:crypto';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closeAll, startBackend, startGateway } from '../support/gateway-backend.ts';
import { startNginx } from '../support/nginx.ts';

/**
 * The same requests through a real nginx, through us, and straight to the backend: the same
 * status, headers and bytes come back, and the backend was sent the same, but for the headers that
 * are each hop's own.
 */
const WAYS = ['direct', 'nginx', 'gateway'] as const;
const ports: Record<(typeof WAYS)[number], number> = { direct: 0, nginx: 0, gateway: 0 };

/**
 * Each server's own: what it says of itself, of the connection, and how it frames what has no
 * length.
 */
const OWN_RESPONSE_HEADERS = new Set([
  'date',
  'server',
  'connection',
  'keep-alive',
  'transfer-encoding',
  'x-request-id',
]);
const OWN_REQUEST_HEADERS = new Set([
  ...['host', 'connection', 'transfer-encoding', 'x-request-id'],
  ...['x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-forwarded-authorization'],
]);

let stopNginx = async () => {};

beforeAll(async () => {
  const backend = await startBackend(response);
  ports.direct = backend.port;
  const nginx = await startNginx(backend.url);
  stopNginx = nginx.stop;
  ports.nginx = nginx.port;
  ports.gateway = (await startGateway(backend.url)).port;
});

afterAll(async () => {
  await stopNginx();
  await closeAll();
});

interface Case {
  method?: string;
  path: string;
  headers?: Record<string, string | string[]>;
  body?: Buffer | string;
  chunked?: boolean;
}

const BIG = Buffer.alloc(3_000_000, 'abcdefghij');
const BINARY = Buffer.from(Array.from({ length: 256 }, (_, index) => index));

const CASES: Case[] = [
  ...[200, 201, 202, 203, 204, 205, 206, 300, 301, 302, 303, 304, 307, 308].map((status) => ({
    path: `/status/${status}`,
  })),
  ...[400, 401, 402, 403, 404, 405, 406, 409, 410, 418, 422, 429, 451].map((status) => ({ path: `/status/${status}` })),
  ...[500, 501, 502, 503, 504, 599].map((status) => ({ path: `/status/${status}` })),
  ...['HEAD', 'OPTIONS', 'DELETE', 'PROPFIND', 'REPORT', 'PURGE'].map((method) => ({ method, path: '/echo' })),
  ...['POST', 'PUT', 'PATCH', 'DELETE'].map((method) => ({ method, path: '/echo', body: 'a body' })),
  ...['POST', 'PUT'].map((method) => ({ method, path: '/echo', body: 'a body in chunks', chunked: true })),
  { method: 'POST', path: '/echo', body: '' },
  { method: 'POST', path: '/echo', body: BINARY },
  { method: 'POST', path: '/echo', body: BIG },
  { method: 'POST', path: '/echo', body: BIG, chunked: true },
  { path: '/echo?a=1&a=2&b=%20%2F&c' },
  { path: '/a%2Fb%20c;d=e,f' },
  { path: '/~user/$&+,/:=@!' },
  { path: '/echo', headers: { 'x-many': ['1', '2', '3'], 'x-empty': '', 'x-latin': 'caf\xe9' } },
  {
    path: '/echo',
    headers: { range: 'bytes=0-3', 'if-none-match': '"x"', 'accept-encoding': 'gzip, br', accept: '*/*' },
  },
  {
    path: '/echo',
    headers: { cookie: 'a=1; b=2', authorization: 'Bearer mine', referer: 'http://x/', 'user-agent': 'test' },
  },
  { path: '/cookies' },
  { path: '/gzip' },
  { path: '/binary' },
  { path: '/big' },
  { path: '/chunks' },
  { path: '/events' },
  { path: '/close' },
  { path: '/empty' },
  { method: 'HEAD', path: '/big' },
  { path: '/latin' },
  { path: '/cached' },
];

function response(incoming: IncomingMessage, outgoing: import('node:http').ServerResponse): void {
  const [path = '/'] = (incoming.url ?? '/').split('?');
  const status = /^\/status\/(\d+)$/.exec(path)?.[1];
  if (status !== undefined) {
    outgoing.writeHead(Number(status), {
      location: '/elsewhere',
      'retry-after': '7',
      'www-authenticate': 'Basic realm="x"',
    });
    outgoing.end(['204', '205', '304'].includes(status) ? '' : `status ${status}`);
  } else if (path === '/cookies')
    outgoing.writeHead(200, { 'set-cookie': ['a=1; Path=/', 'b=2; HttpOnly'], vary: 'a, b' }).end('x');
  else if (path === '/gzip') outgoing.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('packed'));
  else if (path === '/binary') outgoing.writeHead(200, { 'content-length': BINARY.length }).end(BINARY);
  else if (path === '/big') outgoing.writeHead(200, { 'content-length': BIG.length, etag: 'W/"big"' }).end(BIG);
  else if (path === '/chunks') {
    outgoing.write('one');
    outgoing.write('two');
    outgoing.end('three');
  } else if (path === '/events') {
    outgoing.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
    outgoing.write('data: 1\n\n');
    outgoing.end('data: 2\n\n');
  } else if (path === '/close') outgoing.writeHead(200, { connection: 'close' }).end('closed');
  else if (path === '/empty') outgoing.writeHead(200, { 'content-length': 0 }).end();
  else if (path === '/latin') outgoing.writeHead(200, 'Very well', { 'x-name': 'caf\xe9' }).end('x');
  else if (path === '/cached')
    outgoing
      .writeHead(200, { etag: '"1"', 'last-modified': 'Thu, 01 Jan 2026 00:00:00 GMT', age: '3', expires: '0' })
      .end('x');
  else echo(incoming, outgoing);
}

function echo(incoming: IncomingMessage, outgoing: import('node:http').ServerResponse): void {
  const hash = createHash('sha256');
  let length = 0;
  incoming.on('data', (chunk: Buffer) => {
    length += chunk.length;
    hash.update(chunk);
  });
  incoming.on('end', () => {
    const headers = Object.entries(incoming.headersDistinct).filter(([name]) => !OWN_REQUEST_HEADERS.has(name));
    // A body without a length is given one or not: that is framing, and the bytes are compared.
    const sent = headers.filter(([name]) => name !== 'content-length').sort(([a], [b]) => a.localeCompare(b));
    const { method, url } = incoming;
    outgoing.setHeader('content-type', 'application/json');
    outgoing.end(JSON.stringify({ method, url, sent, length, digest: hash.digest('hex') }));
  });
}

function send(port: number, { method = 'GET', path, headers = {}, body, chunked = false }: Case): Promise<unknown> {
  const all = {
    ...headers,
    ...(body === undefined || chunked ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
  };
  return new Promise((resolve, reject) => {
    const sent = httpRequest({ host: '127.0.0.1', port, method, path, headers: all, agent: false }, (responded) => {
      const chunks: Buffer[] = [];
      responded.on('data', (chunk: Buffer) => chunks.push(chunk));
      responded.on('error', reject);
      responded.on('end', () => {
        const bytes = Buffer.concat(chunks);
        resolve({
          status: `${responded.statusCode} ${responded.statusMessage}`,
          headers: Object.entries(responded.headersDistinct)
            .filter(([name]) => !OWN_RESPONSE_HEADERS.has(name))
            .sort(([a], [b]) => a.localeCompare(b)),
          bytes: bytes.length,
          digest: createHash('sha256').update(bytes).digest('hex'),
          text: bytes.length < 2000 ? bytes.toString('latin1') : '',
        });
      });
    });
    sent.on('error', reject);
    if (chunked) sent.flushHeaders();
    sent.end(body);
  });
}

describe('through nginx, through us and direct', () => {
  it('are sixty requests at least', () => expect(CASES.length).toBeGreaterThanOrEqual(60));

  it.each(
    CASES.map((entry) => [`${entry.method ?? 'GET'} ${entry.path}${entry.chunked ? ', chunked' : ''}`, entry] as const),
  )('%s', async (_name, entry) => {
    const [direct, nginx, ours] = await Promise.all(WAYS.map((way) => send(ports[way], entry)));
    expect(ours).toEqual(direct);
    expect(nginx).toEqual(direct);
  });
});
