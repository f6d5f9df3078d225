import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request } from 'undici';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { gateway } from '#lib/gateway/index';
import {
  closeAll,
  closedPort,
  openExchanges,
  startBackend,
  startEcho,
  startGateway,
  startRaw,
  TOKEN,
} from '../support/gateway-backend.ts';

afterEach(closeAll);

describe('when it goes wrong', () => {
  it('refused is 502, with the sentence of the contract and nothing of the backend', async () => {
    const port = await closedPort();
    const { url } = await startGateway(`http://127.0.0.1:${port}`, { HF_TOKEN: TOKEN });
    const response = await request(`${url}/x`, { headers: { 'x-request-id': 'r1' } });
    expect(response.statusCode).toBe(502);
    expect(response.headers['x-request-id']).toBe('r1');
    expect(await response.body.text()).toBe('{"error":"Backend connection failed","code":"upstream_failed"}');
    expect(gateway().stats()).toMatchObject({
      state: 'down',
      requests: { failed: 1, active: 0, by_status: [{ status: 502, count: 1 }] },
      recent: { error_rate: 1 },
      backends: [{ state: 'down', last_failure: { reason: 'connection refused' }, active: 0, waiting: 0 }],
    });
  });

  it.each([
    ['resets', (socket: { resetAndDestroy: () => void }) => socket.resetAndDestroy()],
    ['closes without a word', (socket: { end: () => void }) => socket.end()],
  ])('a backend that %s is 502, also with a body', async (_name, end) => {
    const { url: backend } = await startRaw((_text, socket) => end(socket));
    const { url } = await startGateway(backend);
    for (const method of ['GET', 'POST'] as const) {
      const response = await request(`${url}/x`, { method, body: method === 'POST' ? 'abc' : null });
      expect(response.statusCode).toBe(502);
      expect(await response.body.json()).toMatchObject({ error: 'Backend connection failed' });
    }
  });

  it('a backend that says nothing is 504, and so is a pool without a place', async () => {
    const { url: backend } = await startBackend(() => {});
    const { url } = await startGateway(backend, { GATEWAY_TIMEOUT_MS: '300', GATEWAY_POOL_SIZE: '1' });
    const responses = await Promise.all([request(`${url}/a`), request(`${url}/b`)]);
    for (const response of responses) {
      expect(response.statusCode).toBe(504);
      expect(await response.body.json()).toMatchObject({ code: 'upstream_timeout' });
    }
    expect(openExchanges()).toBe(0);
  });

  it('a broken response breaks off for the client too', async () => {
    const { url: backend } = await startRaw((_text, socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc');
      setImmediate(() => socket.destroy());
    });
    const { url } = await startGateway(backend);
    const response = await request(`${url}/x`);
    await expect(response.body.text()).rejects.toThrow();
  });

  it('a disconnecting client ends the backend call, before the response, within it, and within its own body', async () => {
    let opened = 0;
    let closed = 0;
    const { url: backend } = await startBackend((incoming, outgoing) => {
      opened += 1;
      incoming.on('error', () => {});
      outgoing.on('close', () => {
        closed += 1;
      });
      if (incoming.url === '/within') outgoing.write('first');
      incoming.resume();
    });
    const { port } = await startGateway(backend);
    for (const [path, method] of [
      ['/before', 'GET'],
      ['/within', 'GET'],
      ['/body', 'POST'],
    ] as const) {
      const before = opened;
      const sent = httpRequest({ port, host: '127.0.0.1', path, method });
      sent.on('error', () => {});
      if (method === 'POST') sent.write('beginning');
      else sent.end();
      if (path === '/within') await once(sent, 'response');
      else await vi.waitFor(() => expect(opened).toBe(before + 1));
      sent.destroy();
      await vi.waitFor(() => expect(closed).toBe(before + 1));
    }
    await vi.waitFor(() => expect(openExchanges()).toBe(0));
  });

  it('a kept connection that the backend closed is no failure of the next request', async () => {
    let asked = 0;
    const { url: backend } = await startRaw((text, socket) => {
      if (!text.endsWith('\r\n\r\n')) return;
      asked += 1;
      // The second request on a connection meets its end.
      if (text.split('GET ').length > 2) socket.resetAndDestroy();
      else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    });
    const { url } = await startGateway(backend, { GATEWAY_POOL_SIZE: '1' });
    for (let count = 0; count < 3; count++) {
      const response = await request(`${url}/x`);
      expect([response.statusCode, await response.body.text()]).toEqual([200, 'ok']);
    }
    expect(asked).toBe(5);
  });

  it('a response before the end of the upload reaches the client, whole', async () => {
    const { url: backend } = await startBackend((_incoming, outgoing) => {
      outgoing.writeHead(413, { 'content-length': '9' }).end('too large');
    });
    const { port } = await startGateway(backend);
    const sent = httpRequest({ port, host: '127.0.0.1', method: 'POST', path: '/upload' });
    sent.on('error', () => {});
    sent.write(Buffer.alloc(100_000));
    const [reply] = (await once(sent, 'response')) as [IncomingMessage];
    expect(reply.statusCode).toBe(413);
    let text = '';
    for await (const chunk of reply) text += chunk;
    expect(text).toBe('too large');
    sent.destroy();
  });
});

describe('several backends', () => {
  it('share the requests, and one that is down is left out without a failed request', async () => {
    const one = await startEcho();
    const two = await startEcho();
    const { url } = await startGateway(`${one.url},http://127.0.0.1:${await closedPort()},${two.url}`);
    for (let count = 0; count < 40; count++) {
      const response = await request(`${url}/x`, { method: 'POST', body: 'abc' });
      expect(response.statusCode).toBe(200);
      expect(await response.body.json()).toMatchObject({ body: 'abc' });
    }
    expect(one.seen.length + two.seen.length).toBe(40);
    expect(one.seen.length).toBeGreaterThan(0);
    expect(two.seen.length).toBeGreaterThan(0);
    const { state, backends } = gateway().stats();
    expect(state).toBe('degraded');
    expect(backends.map((backend) => backend.state)).toEqual(['up', 'down', 'up']);
    // Once it is known to be down it is not tried.
    expect(backends[1]?.requests).toBeLessThanOrEqual(2);
  });

  it('a backend that is back is found by its check', async () => {
    const { url: other } = await startEcho();
    const { url } = await startGateway(`${other},http://127.0.0.1:${await closedPort()}`);
    await gateway().checkBackends(0);
    expect(
      gateway()
        .stats()
        .backends.map(({ state }) => state),
    ).toEqual(['up', 'down']);
    const backend = await startEcho();
    await startGateway(`${other},${backend.url}`);
    await gateway().checkBackends(0);
    expect(gateway().state).toBe('up');
    expect(url).not.toBe('');
  });
});
