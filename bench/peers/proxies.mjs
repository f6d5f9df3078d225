/**
 * The Node proxies that the gateway is held against, each set up as its documentation shows, with 50 kept connections.
 * `node bench/peers/proxies.mjs <folder with the packages> <which> <port> <target>`
 */
import { Agent, createServer } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [folder, which, port, target] = process.argv.slice(2);
const { resolve } = createRequire(join(folder, 'package.json'));
const load = async (name) => (await import(pathToFileURL(resolve(name)).href)).default;
const agent = new Agent({ keepAlive: true, maxSockets: 50 });
const listen = (handler) => createServer(handler).listen(Number(port), '127.0.0.1');

const PROXIES = {
  'http-proxy': async () => {
    const proxy = (await load('http-proxy')).createProxyServer({ target, agent });
    listen((incoming, outgoing) => proxy.web(incoming, outgoing));
  },
  httpxy: async () => {
    const { createProxyServer } = await import(pathToFileURL(resolve('httpxy')).href);
    const proxy = createProxyServer({ target, agent });
    listen((incoming, outgoing) => void proxy.web(incoming, outgoing));
  },
  'fast-proxy': async () => {
    const { proxy } = (await load('fast-proxy'))({ base: target, undici: { connections: 50, pipelining: 1 } });
    listen((incoming, outgoing) => proxy(incoming, outgoing, incoming.url, {}));
  },
  '@fastify/http-proxy': async () => {
    const app = (await load('fastify'))({ logger: false });
    app.register(await load('@fastify/http-proxy'), { upstream: target, undici: { connections: 50, pipelining: 1 } });
    await app.listen({ port: Number(port), host: '127.0.0.1' });
  },
};

await PROXIES[which]();
