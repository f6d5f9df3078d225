import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { chatServer } from '../support/chat-server.ts';
import { startNginx } from '../support/nginx.ts';

/** The configurations of proxies in front of the app, and nginx with its own. */

const nginxSite = readFileSync('deploy/nginx.conf', 'utf8');
const caddyfile = readFileSync('deploy/Caddyfile', 'utf8');

describe('proxies in front', () => {
  const limitBytes = 20 * 1024 * 1024;

  it('accept bodies as large as the app does, and refuse larger ones in its form', () => {
    expect(readFileSync('lib/chat/http/chat-body.ts', 'utf8')).toContain('IMAGES_LIMIT_BYTES = 20 * MIB');
    expect(caddyfile).toContain(`> ${limitBytes}\``);
    expect(caddyfile).toMatch(/^\s+max_size 20MiB$/m);
    expect(nginxSite).toContain('client_max_body_size 20m;');
    for (const site of [nginxSite, caddyfile])
      expect(site).toContain('{"error":"The body is too large (the limit is 20 MiB).","code":"body_too_large"}');
    // A body without a length is refused while it is passed on, which Caddy treats as an error.
    expect(caddyfile).toMatch(/^\terror @too_large 413$[\s\S]*^\thandle_errors \{$/m);
  });

  it('of nginx, 20 MiB arrive and one byte more is a 413', async () => {
    let received = 0;
    const app = createServer((request, response) => {
      request.on('data', (chunk) => {
        received += chunk.length;
      });
      request.on('end', () => response.end('{}'));
    });
    await new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve));
    const nginx = await startNginx(`http://127.0.0.1:${(app.address() as AddressInfo).port}`, nginxSite);
    const send = (bytes: number) =>
      fetch(`${nginx.url}/api/chat-optimized`, {
        method: 'POST',
        body: Buffer.alloc(bytes),
        signal: AbortSignal.timeout(20_000),
      });
    try {
      expect((await send(limitBytes)).status).toBe(200);
      expect(received).toBe(limitBytes);
      const refused = await send(limitBytes + 1);
      expect(refused.status).toBe(413);
      expect(await refused.json()).toMatchObject({ code: 'body_too_large' });
    } finally {
      await nginx.stop();
      app.close();
    }
  });
});

describe('nginx', () => {
  it('passes a stream on as it is written', async () => {
    const server = await chatServer({ TRUST_PROXY: 'loopback' });
    const nginx = await startNginx(server.url, nginxSite);
    server.provider.onCall = (call) => call.say('one');
    try {
      const response = await fetch(`${nginx.url}/api/chat-optimized`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ messages: [{ role: 'user', content: 'Count.' }] }),
        signal: AbortSignal.timeout(20_000),
      });
      expect(response.headers.get('content-type')).toContain('text/event-stream');
      const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
      expect((await reader?.read())?.value).toContain('"one"');
      // The first word is here, and the model has not said its second.
      server.provider.last.say('two').done();
      let rest = '';
      for (let chunk = await reader?.read(); chunk?.done === false; chunk = await reader?.read()) rest += chunk.value;
      expect(rest).toContain('"two"');
      expect(rest).toContain('"done":true');
    } finally {
      await nginx.stop();
      await server.close();
    }
  });

  it('passes an upgrade on, and what follows it both ways', async () => {
    const backend = createServer().on('upgrade', (incoming, socket) => {
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: ${incoming.headers.upgrade}\r\nConnection: Upgrade\r\n\r\n`,
      );
      socket.on('data', (bytes) => socket.end(`echo ${bytes}`));
    });
    await new Promise<void>((resolve) => backend.listen(0, '127.0.0.1', resolve));
    const { port } = backend.address() as AddressInfo;
    const nginx = await startNginx(`http://127.0.0.1:${port}`, nginxSite);
    try {
      const socket = connect(nginx.port, '127.0.0.1');
      socket.write(
        'GET /gateway/live HTTP/1.1\r\nHost: chat.example.org\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
      );
      let received = '';
      for await (const chunk of socket) {
        if (received === '') socket.write('hello');
        received += chunk;
      }
      expect(received).toMatch(/^HTTP\/1.1 101 /);
      expect(received).toMatch(/^upgrade: websocket/im);
      expect(received).toContain('echo hello');
    } finally {
      await nginx.stop();
      backend.close();
    }
  });
});
