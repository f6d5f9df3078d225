/**
 * The Node proxies that the gateway is held against, each set up as its documentation shows, with
 * 50 kept connections. `node bench/peers/proxies.mjs <which> <port> <target> <a folder of
 * packages> …`, where Fastify's needs two.
 */
import { existsSync } from 'node:fs';
import { Agent, createServer } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [which, port, target, ...folders] = process.argv.slice(2);

async function load(name) {
  const folder = folders.find((one) => existsSync(join(one, name)));
  if (folder === undefined) throw new Error(`${name} is in none of ${folders.join(', ')}`);
  return await import(pathToFileURL(createRequire(join(folder, 'here.js')).resolve(name)).href);
}

const agent = new Agent({ keepAlive: true, maxSockets: 50 });
const listen = (handler) => createServer(handler).listen(Number(port), '127.0.0.1');

const PROXIES = {
  'http-proxy': async () => {
    const proxy = (await load('http-proxy')).default.createProxyServer({ target, agent });
    listen((incoming, outgoing) => proxy.web(incoming, outgoing));
  },
  httpxy: async () => {
    const { createProxyServer } = await load('httpxy');
    const proxy = createProxyServer({ target, agent });
    listen((incoming, outgoing) => void proxy.web(incoming, outgoing));
  },
  'fast-proxy': async () => {
    const { proxy } = (await load('fast-proxy')).default({ base: target, undici: { connections: 50, pipelining: 1 } });
    listen((incoming, outgoing) => proxy(incoming, outgoing, incoming.url, {}));
  },
  '@fastify/http-proxy': async () => {
    const app = (await load('fastify')).default({ logger: false, bodyLimit: 2 ** 30 });
    app.register((await load('@fastify/http-proxy')).default, {
      upstream: target,
      undici: { connections: 50, pipelining: 1 },
    });
    await app.listen({ port: Number(port), host: '127.0.0.1' });
  },
};

await PROXIES[which]();
