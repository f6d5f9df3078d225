import { setTimeout as sleep } from 'node:timers/promises';
import { createServer, getCACertificates, setDefaultCACertificates, type TLSSocket } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import {
  endAll,
  ResponseRecorder,
  rawResponse,
  send,
  startBackend,
  startPool,
} from '../../test/support/http-client.ts';

/** For localhost and 127.0.0.1, valid for 100 years, created with openssl for this test. */
const KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgZ3MBxnykipiY+Hha
KWiONB2dnpWUzyi6OBQ1Q/y5FCOhRANCAAR+5EaT3plq0/PykIbDzrBPCr2wMjiV
4V5sxjU0F0gzQ+7CfeAH0lIPjCE1jBWmRswpOe3yi+aW/5A2oVPzUhNG
-----END PRIVATE KEY-----
`;
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBmjCCAUGgAwIBAgIUfpG8acjrLaJQZ7Zq6Di5MZHzSVgwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMTE3MzI0NFoYDzIxMjYxMDI4
MTczMjQ0WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAR+5EaT3plq0/PykIbDzrBPCr2wMjiV4V5sxjU0F0gzQ+7CfeAH0lIP
jCE1jBWmRswpOe3yi+aW/5A2oVPzUhNGo28wbTAdBgNVHQ4EFgQUDaREAxrCBJ11
xbA9lyD+Vh/p4wwwHwYDVR0jBBgwFoAUDaREAxrCBJ11xbA9lyD+Vh/p4wwwDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDRwAwRAIgV2s5TdjDXTvRQNiebHozpDXb3lmTzv4yXIrs0fIJj0ACIDmr
YqlAhnU6S0oU39w2PiGb5yR5iw5QAbkKcvE/YZD4
-----END CERTIFICATE-----
`;

const usual = getCACertificates('default');

afterEach(() => {
  setDefaultCACertificates(usual);
  endAll();
});

function startTls() {
  const server = createServer({ key: KEY, cert: CERTIFICATE });
  return startBackend(({ socket }) => socket.write(rawResponse('secret')), { server, scheme: 'https' });
}

describe('a TLS server', () => {
  it('receives its name by SNI, and connections are kept and resumed', async () => {
    const { origin, connections } = await startTls();
    setDefaultCACertificates([...usual, CERTIFICATE]);
    const pool = startPool(new URL(`https://localhost:${origin.port}`));
    for (let count = 0; count < 2; count++) expect((await send(pool).over).body).toBe('secret');
    expect(connections).toHaveLength(1);
    connections[0]?.socket.end();
    await expect.poll(() => pool.stats.connected).toBe(0);
    expect((await send(pool).over).body).toBe('secret');
    const sockets = connections.map(({ socket }) => socket as TLSSocket & { servername: string });
    expect(sockets.map(({ servername }) => servername)).toEqual(['localhost', 'localhost']);
    expect(sockets[1]?.isSessionReused()).toBe(true);
  });

  it('receives no SNI for an address', async () => {
    const { origin, connections } = await startTls();
    setDefaultCACertificates([...usual, CERTIFICATE]);
    expect((await send(startPool(origin)).over).body).toBe('secret');
    expect(connections[0]?.socket).toMatchObject({ servername: false });
  });

  it('is read no faster than the response is consumed', async () => {
    const size = 30_000_000;
    const server = createServer({ key: KEY, cert: CERTIFICATE });
    const { origin, connections } = await startBackend(
      ({ socket }) => {
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
        socket.write(Buffer.alloc(size));
      },
      { server, scheme: 'https' },
    );
    setDefaultCACertificates([...usual, CERTIFICATE]);
    const recorder = new ResponseRecorder();
    recorder.onData = () => {
      if (recorder.bodyBytes < size / 10) recorder.controller?.pause();
    };
    send(startPool(origin), {}, recorder);
    await expect.poll(() => recorder.bodyBytes).toBeGreaterThan(0);
    await sleep(200);
    const before = recorder.bodyBytes;
    expect(before).toBeLessThan(size / 10);
    expect(connections[0]?.socket.writableLength).toBeGreaterThan(0);
    const timer = setInterval(() => recorder.controller?.resume(), 2);
    expect(await recorder.over).toMatchObject({ bodyBytes: size, error: undefined });
    clearInterval(timer);
  });

  it('with an untrusted certificate receives no bytes', async () => {
    const { origin, connections } = await startTls();
    const pool = startPool(origin);
    const { error, calls } = await send(pool).over;
    expect([error?.code, calls]).toEqual(['DEPTH_ZERO_SELF_SIGNED_CERT', ['error']]);
    await expect(pool.probe(2_000)).rejects.toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
    expect(connections.map(({ text }) => text).join('')).toBe('');
  });

  it('with a certificate for another host receives no bytes', async () => {
    const { origin, connections } = await startTls();
    setDefaultCACertificates([...usual, CERTIFICATE]);
    const pool = startPool(new URL(`https://127.0.0.2:${origin.port}`));
    expect(['ERR_TLS_CERT_ALTNAME_INVALID', 'ECONNREFUSED']).toContain((await send(pool).over).error?.code);
    expect(connections.map(({ text }) => text).join('')).toBe('');
  });
});

describe('a probe', () => {
  it('connects and sends nothing', async () => {
    const { origin, connections } = await startBackend(() => {});
    await startPool(origin).probe(2_000);
    await expect.poll(() => connections[0]?.socket.readableEnded || connections[0]?.socket.destroyed).toBe(true);
    expect(connections).toMatchObject([{ text: '' }]);
  });

  it('waits only so long', async () => {
    const { origin } = await startBackend(() => {});
    await expect(startPool(new URL(`https://${origin.host}`)).probe(100)).rejects.toMatchObject({ code: 'ETIMEDOUT' });
  });
});
