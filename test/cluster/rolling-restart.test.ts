import { Agent, type IncomingMessage, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { type FaultyModelServer, ollama, startFaultyModelServer } from '../support/faulty-model-server.ts';
import { freePort } from '../support/free-port.ts';
import { type RunningApp, startApp } from '../support/running-app.ts';
import { startTcpBalancer, type TcpBalancer } from '../support/tcp-balancer.ts';

/** Two servers that share nothing but a balancer, which are restarted one after the other. */
const CHECK_MS = 500;
const WORDS = ['one ', 'two ', 'three ', 'four'];
const apps: RunningApp[] = [];
let model: FaultyModelServer | undefined;
let balancer: TcpBalancer | undefined;

afterEach(async () => {
  await balancer?.close();
  await Promise.all(apps.splice(0).map((app) => app.stop(5_000)));
  await model?.close();
});

it('fails no request and cuts no stream while both are restarted', async () => {
  model = await startFaultyModelServer();
  model.choose(() => [
    ...WORDS.flatMap((word) => [{ send: ollama.text(word) }, { wait: delay(60) }]),
    { send: ollama.done() },
  ]);
  const env = {
    MODEL_PROVIDER: 'ollama',
    OLLAMA_API_URL: model.url,
    OLLAMA_MODEL: 'test',
    QUEUE_MAX_CONCURRENT: '20',
    CACHE_ENABLED: 'false',
    SHUTDOWN_DELAY_MS: '3000',
    SHUTDOWN_TIMEOUT_MS: '20000',
  };
  const ports = [String(await freePort()), String(await freePort())];
  const both = await Promise.all(ports.map((PORT) => startApp('server', { ...env, PORT })));
  apps.push(...both);
  balancer = await startTcpBalancer(
    both.map(({ url }) => url),
    CHECK_MS,
  );
  for (const { url } of both) await balancer.until(url, true);

  const load = startLoad(balancer.url);
  await delay(1_000);
  for (const [index, app] of both.entries()) {
    const exit = app.stop(30_000);
    await balancer.until(app.url, false);
    expect(await exit).toBe(0);
    const next = await startApp('server', { ...env, PORT: ports[index] ?? '' });
    apps[index] = next;
    await balancer.until(next.url, true);
    await delay(1_000);
  }
  const { failures, ended } = await load.stop();
  expect(failures).toEqual([]);
  // Requests of all kinds came to an end, and both servers had their part.
  for (const kind of ['health', 'whole', 'stream']) expect(ended.get(kind)).toBeGreaterThan(20);
  for (const { url } of both) expect(balancer.counts.get(url)).toBeGreaterThan(5);
}, 180_000);

/** About 30 requests a second over kept connections, each with its whole response. */
function startLoad(url: string) {
  // The connection that is idle for longest is next, so that none is idle for long.
  const agent = new Agent({ keepAlive: true, maxSockets: 12, scheduling: 'fifo' });
  const failures: string[] = [];
  const ended = new Map<string, number>();
  const open = new Set<Promise<void>>();
  const send = (kind: string, path: string, body: object | undefined, check: (text: string) => boolean) => {
    const one = exchange(agent, url + path, body)
      .then(({ status, text }) => {
        if (status === 200 && check(text)) ended.set(kind, (ended.get(kind) ?? 0) + 1);
        else failures.push(`${kind}: ${status} ${text.slice(-300)}`);
      })
      .catch((error: NodeJS.ErrnoException) => void failures.push(`${kind}: ${error.code ?? error.message}`));
    open.add(one);
    void one.finally(() => open.delete(one));
  };
  let count = 0;
  const chat = (stream: boolean) => ({ messages: [{ role: 'user', content: `question ${++count}` }], stream });
  const timer = setInterval(() => {
    send('health', '/health', undefined, (text) => text.includes('healthy'));
    send('whole', '/api/chat-optimized', chat(false), (text) => JSON.parse(text).message.content === WORDS.join(''));
    send('stream', '/api/chat-optimized', chat(true), (text) => {
      const events = text.split('\n\n').filter((line) => line !== '');
      const parsed = events.map((line) => JSON.parse(line.slice('data: '.length)));
      const said = parsed.map(({ content = '' }) => content).join('');
      return said === WORDS.join('') && parsed.at(-1).done === true && parsed.at(-1).error === undefined;
    });
  }, 100);
  return {
    async stop() {
      clearInterval(timer);
      await Promise.all(open);
      agent.destroy();
      return { failures, ended };
    },
  };
}

function exchange(agent: Agent, url: string, body: object | undefined): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { 'content-type': 'application/json' };
    const outgoing = request(url, { agent, method: body === undefined ? 'GET' : 'POST', headers });
    outgoing.on('error', reject);
    outgoing.on('response', (incoming: IncomingMessage) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('error', reject);
      incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
    });
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
