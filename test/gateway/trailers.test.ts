import { once } from 'node:events';
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { gateway } from '#lib/gateway/index';
import {
  closeAll,
  closedPort,
  openExchanges,
  sendRaw,
  startBackend,
  startGateway,
  startRaw,
  TOKEN,
} from '../support/gateway-backend.ts';

afterEach(closeAll);

interface Ended {
  path: string;
  body: string;
  headers: IncomingMessage['headers'];
  trailers: string[];
}

/** A real `node:http` backend that writes down each request that it saw the end of. */
async function startReader(): Promise<{ url: string; ended: Ended[]; connections: () => number }> {
  const ended: Ended[] = [];
  const { url, server } = await startBackend((incoming, outgoing) => {
    let body = '';
    incoming.on('error', () => {});
    incoming.on('data', (chunk: Buffer) => {
      body += chunk.toString('latin1');
    });
    incoming.on('end', () => {
      const { url: path = '', headers, rawTrailers: trailers } = incoming;
      ended.push({ path, body, headers, trailers });
      outgoing.end('ok');
    });
  });
  let connections = 0;
  server.on('connection', () => {
    connections += 1;
  });
  return { url, ended, connections: () => connections };
}

/** A POST in chunks, the last one and what follows it excluded. */
function upload(path: string, ...lines: string[]): string {
  return `${[`POST ${path} HTTP/1.1`, 'Host: x', 'Transfer-Encoding: chunked', ...lines].join('\r\n')}\r\n\r\n3\r\nabc\r\n`;
}

const CLOSE = 'Connection: close';

describe('the trailers of a request', () => {
  it('reach the backend, announced, and both connections are kept', async () => {
    const { url, ended, connections } = await startReader();
    const { port } = await startGateway(url, { GATEWAY_POOL_SIZE: '1', HF_TOKEN: TOKEN });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const localPorts = new Set<number | undefined>();
    for (const sum of ['1', '2', '3']) {
      const headers = { trailer: 'x-sum, Content-Digest, host', te: 'trailers', connection: 'keep-alive, TE' };
      const sent = httpRequest({ port, host: '127.0.0.1', method: 'PUT', path: `/${sum}`, headers, agent });
      sent.write('abc');
      sent.addTrailers([
        ['X-Sum', sum],
        ['Content-Digest', 'sha-256=:x:'],
        ['X-Sum', '\xfc'],
      ]);
      sent.end();
      const [reply] = (await once(sent, 'response')) as [IncomingMessage];
      localPorts.add(reply.socket.localPort);
      reply.resume();
      await once(reply, 'end');
    }
    agent.destroy();
    expect(ended.map(({ path, body, trailers }) => [path, body, trailers])).toEqual(
      ['1', '2', '3'].map((sum) => [
        `/${sum}`,
        'abc',
        ['X-Sum', sum, 'Content-Digest', 'sha-256=:x:', 'X-Sum', '\xfc'],
      ]),
    );
    expect(ended[0]?.headers).toMatchObject({ trailer: 'x-sum, Content-Digest', te: 'trailers' });
    expect([connections(), localPorts.size]).toEqual([1, 1]);
  });

  it('are on the wire as they came, behind the last chunk', async () => {
    const { url, received } = await startRaw((text, socket) => {
      if (text.endsWith('\r\n\r\n') && text.includes('\r\n0\r\n')) socket.write('HTTP/1.1 204 No Content\r\n\r\n');
    });
    const { port } = await startGateway(url);
    await sendRaw(port, `${upload('/x', CLOSE)}0\r\nX-Sum:  a, b \r\nx-T:\r\n\r\n`);
    expect(received()).toMatch(/transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: a, b\r\nx-T: \r\n\r\n$/);
  });

  it('never say what a header may not: who it comes from, where it goes, how it is read', async () => {
    const { url, ended } = await startReader();
    const { port } = await startGateway(url, { HF_TOKEN: TOKEN });
    const evil = [
      ...['Host: evil', 'Authorization: Bearer evil', 'Proxy-Authorization: x', 'Cookie: chill_space_session=x'],
      ...['X-Forwarded-For: 1.2.3.4', 'X_Forwarded_For: 1.2.3.4', 'X-Forwarded-Authorization: x', 'Forwarded: for=1'],
      ...['X-Real-IP: 1.2.3.4', 'X-Request-Id: evil', 'Traceparent: x', 'Content-Type: text/evil', 'Trailer: x'],
      ...['Content-Encoding: gzip', 'Content_Length: 5', 'Expect: 100-continue', 'Range: bytes=0-1', 'If-Match: x'],
      ...['TE: trailers', 'Keep-Alive: 1', 'Cache-Control: no-store', 'X-Hop: 1', 'Max-Forwards: 1'],
    ];
    const announced = evil.map((line) => line.split(':', 1)[0]).join(', ');
    const head = upload('/x', 'Connection: close, X-Hop', `Trailer: ${announced}`);
    const result = await sendRaw(port, `${head}0\r\n${evil.join('\r\n')}\r\nX-Kept: 1\r\n\r\n`);
    expect(result).toMatch(/^HTTP\/1\.1 200 /);
    expect(ended).toMatchObject([{ body: 'abc', trailers: ['X-Kept', '1'] }]);
    expect(ended[0]?.headers).not.toHaveProperty('trailer');
    expect(ended[0]?.headers).toMatchObject({ authorization: `Bearer ${TOKEN}`, 'x-forwarded-for': '127.0.0.1' });
  });

  const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n';
  it.each([
    ['a length', 'Content-Length: 5'],
    ['a coding', 'Transfer-Encoding: gzip'],
    ['a fold', 'X-A: 1\r\n Content-Length: 5'],
    ['a bare line feed', 'X-A: 1\nContent-Length: 5'],
    ['a bare carriage return', 'X-A: 1\rContent-Length: 5'],
    ['a bare line feed as their end', `X-A: 1\n\n${SMUGGLED}`],
    ['a space before the colon', 'X-A : 1'],
    ['a zero byte', 'X-A: 1\x002'],
    ['no colon', 'X-A'],
    ['more bytes than a head may have', `X-A: ${'a'.repeat(1_000)}\r\n`.repeat(20).trimEnd()],
    ['more bytes than a backend is sent', `X-A: ${'a'.repeat(1_000)}\r\n`.repeat(10).trimEnd()],
    ['more of them than a backend is sent', 'X-A: a\r\n'.repeat(65).trimEnd()],
  ])('that have %s make it a request that the backend never sees the end of', async (_name, lines) => {
    const { url, received } = await startRaw((text, socket) => {
      if (/\r\n0\r\n/.test(text)) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    });
    const { port } = await startGateway(url);
    const response = await sendRaw(port, `${upload('/x', CLOSE)}0\r\n${lines}\r\n\r\n`);
    expect(response).toMatch(/^(?:HTTP\/1\.1 4(?:00|31) |$)/);
    await vi.waitFor(() => expect(openExchanges()).toBe(0));
    expect(received()).not.toMatch(/\r\n0\r\n|X-A|Content-Length|smuggled/);
    expect(gateway().stats().backends[0]?.failures).toBeLessThanOrEqual(1);
  });

  it('that change the framing or the connection change nothing of what comes after', async () => {
    const { url, ended, connections } = await startReader();
    const { port } = await startGateway(url, { GATEWAY_POOL_SIZE: '1' });
    const evil = 'Connection: X-Kept\r\nUpgrade: h2c\r\nX-Kept: 1\r\n\r\n';
    await sendRaw(port, `${upload('/a')}0\r\n${evil}${upload('/b', CLOSE)}0\r\nX-B: 2\r\n\r\n`);
    await vi.waitFor(() => expect(ended.length).toBeGreaterThan(0));
    expect(ended.map(({ path, body, trailers }) => [path, body, trailers])).toEqual([
      ['/a', 'abc', ['X-Kept', '1']],
      ['/b', 'abc', ['X-B', '2']],
    ]);
    expect(connections()).toBe(1);
  });

  it('of a body with a length, and of an old client, are none', async () => {
    const { url, ended } = await startReader();
    const { port } = await startGateway(url);
    const head = 'POST /a HTTP/1.1\r\nHost: x\r\nTrailer: x-sum\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc';
    await sendRaw(port, head);
    const old = upload('/b', 'Trailer: x-sum').replace('HTTP/1.1', 'HTTP/1.0');
    await sendRaw(port, `${old}0\r\nX-Sum: 1\r\n\r\n`);
    expect(ended).toMatchObject([
      { path: '/a', body: 'abc', trailers: [] },
      { path: '/b', body: 'abc', trailers: [] },
    ]);
    for (const { headers } of ended) expect(headers).not.toHaveProperty('trailer');
  });

  it('of a careful client come after its body was asked for', async () => {
    const { url, ended } = await startReader();
    const { port } = await startGateway(url);
    const headers = { expect: '100-continue', 'transfer-encoding': 'chunked', trailer: 'x-sum' };
    const sent = httpRequest({ port, host: '127.0.0.1', method: 'POST', path: '/x', headers });
    sent.on('continue', () => {
      sent.write('abc');
      sent.addTrailers({ 'x-sum': '1' });
      sent.end();
    });
    sent.flushHeaders();
    const [reply] = (await once(sent, 'response')) as [IncomingMessage];
    reply.resume();
    await once(reply, 'end');
    expect(ended).toMatchObject([{ body: 'abc', trailers: ['x-sum', '1'], headers: { trailer: 'x-sum' } }]);
  });

  it('reach the backend that takes the request, if another one is down', async () => {
    const { url, ended } = await startReader();
    const { port } = await startGateway(`http://127.0.0.1:${await closedPort()},${url}`);
    for (let count = 0; count < 6; count++) await sendRaw(port, `${upload('/x', CLOSE)}0\r\nX-Sum: ${count}\r\n\r\n`);
    expect(ended.map(({ trailers }) => trailers)).toEqual(['0', '1', '2', '3', '4', '5'].map((sum) => ['X-Sum', sum]));
  });

  it('behind a body that the backend did not wait for reach no backend, and the client may go on', async () => {
    const { url, received } = await startRaw((text, socket) => {
      if (/POST \/early [\s\S]*abc/.test(text)) socket.write('HTTP/1.1 413 x\r\nContent-Length: 0\r\n\r\n');
      else if (text.startsWith('GET ')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext');
    });
    const { port } = await startGateway(url);
    const socket = connect(port, '127.0.0.1');
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
    });
    socket.write(upload('/early'));
    await vi.waitFor(() => expect(text).toMatch(/^HTTP\/1\.1 413 /));
    socket.write('3\r\ndef\r\n0\r\nX-Late: 1\r\n\r\nGET /after HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    await once(socket, 'close');
    expect(text).toMatch(/next$/);
    expect(received()).not.toMatch(/X-Late|\r\n0\r\n/);
  });

  it('of a client that goes before their end complete no request', async () => {
    const { url, received } = await startRaw(() => {});
    const { port } = await startGateway(url);
    const socket = connect(port, '127.0.0.1', () => socket.write(`${upload('/x')}0\r\nX-Sum: 1\r\n`));
    await vi.waitFor(() => expect(received()).toMatch(/abc\r\n$/));
    socket.destroy();
    await vi.waitFor(() => expect(openExchanges()).toBe(0));
    expect(received()).not.toMatch(/\r\n0\r\n|X-Sum/);
  });
});

it('the trailers of a response are none that its Connection names, nor announced', async () => {
  const { url } = await startRaw((_text, socket) =>
    socket.write(
      'HTTP/1.1 200 OK\r\nConnection: X-Hop\r\nTrailer: X-Hop, X-Sum, Set-Cookie\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Hop: 1\r\nSet-Cookie: a=1\r\nX-Sum: 2\r\nContent_Type: x\r\n\r\n',
    ),
  );
  const { port } = await startGateway(url);
  const response = await sendRaw(port, `GET /x HTTP/1.1\r\nHost: x\r\n${CLOSE}\r\n\r\n`);
  expect(response).toMatch(/\r\nTrailer: X-Sum\r\n/);
  expect(response).toMatch(/\r\n1\r\na\r\n0\r\nX-Sum: 2\r\n\r\n$/);
});
