import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { ensureNginx } from '../../scripts/nginx.ts';
import { startNginx } from '../../test/support/nginx.ts';
import {
  type Benchmark,
  freePort,
  type Load,
  median,
  residentMb,
  scratchDirectory,
  scratchFile,
  startApp,
  startServer,
  type Table,
  wrk,
} from '../harness.ts';
import { installedPeer } from '../peers/install.ts';

/**
 * Many short ones: a shared machine is slow for seconds at a time, and a ratio is taken within a
 * round.
 */
const ROUNDS = 11;
const SECONDS = 1;
const OURS = 'Chill Space';
const BODY_BYTES = 1000;
const IDLE_CONNECTIONS = 5000;
const BUSY_CONNECTIONS = 200;
const NEXT = 'node_modules/next/dist/bin/next';
const NODE_PROXIES = [
  { name: 'http-proxy', packages: [['http-proxy', '1.18.1']] },
  {
    name: '@fastify/http-proxy',
    packages: [
      ['@fastify/http-proxy', '11.6.3'],
      ['fastify', '5.12.8'],
    ],
  },
  { name: 'fast-proxy', packages: [['fast-proxy', '2.2.0']] },
  { name: 'httpxy', packages: [['httpxy', '0.5.6']] },
] as const;

/** The gateway against nginx and the proxies that Node has, in front of the same backend. */
export const gatewayTable: Benchmark = { name: 'gateway', run };

interface Contender {
  name: string;
  url: string;
  stop: () => Promise<void>;
  busy: Load[];
  single: Load[];
}

async function run(): Promise<Table> {
  if ((await ensureNginx({ log: console.error })) === undefined) throw new Error('nginx is needed for this table');
  const backend = await startStaticServer();
  const target = backend.url;
  const app = await startApp({
    PRIVATE_BACKEND_URL: target,
    HF_TOKEN: 'hf_tokenOfTheBenchmark',
    LOG_LEVEL: 'warn',
    MODEL_PROVIDER: 'ollama',
    OLLAMA_API_URL: target,
  });
  const contenders: Contender[] = [];
  const add = (name: string, url: string, stop: () => Promise<void>) =>
    contenders.push({ name, url: `${url}/some/path?x=1`, stop, busy: [], single: [] });
  add('the backend itself (limit)', target, backend.stop);
  add(OURS, app.url, app.stop);
  const nginx = await startNginx(target);
  add('nginx, proxy_pass', nginx.url, nginx.stop);
  for (const { name, packages } of NODE_PROXIES) {
    const folders = packages.map(([id, version]) => installedPeer(id, version).slice(0, -id.length - 1));
    const server = await startServer(['bench/peers/proxies.mjs', name, '{port}', target, ...folders], '/');
    add(`${name} ${packages[0][1]}`, server.url, server.stop);
  }
  const next = await startRewrites(target);
  add('Next rewrites', `${next.url}/proxied`, next.stop);
  for (let round = -1; round < ROUNDS; round++) {
    // Another one begins each time: who always comes after the same one has its heat and its rest,
    // too.
    const first = (round + 1) % contenders.length;
    for (const { name, url, busy, single } of [...contenders.slice(first), ...contenders.slice(0, first)]) {
      const load = wrk(url, undefined, 50, SECONDS);
      const alone = wrk(url, undefined, 1, SECONDS);
      // A peer's failed requests are shown; ours would be a fault of this table.
      if (name === OURS && load.errors + alone.errors > 0)
        throw new Error(`${load.errors + alone.errors} requests failed`);
      // The first round warms everyone up.
      if (round < 0) continue;
      busy.push(load);
      single.push(alone);
    }
  }
  const memory = await memoryUnderConnections(app.url, app.pid);
  for (const { stop } of contenders.toReversed()) await stop();
  return report(contenders, memory);
}

/**
 * What the gateway holds while many connections are open: idle ones, each after one request, and
 * then busy ones next to them.
 */
async function memoryUnderConnections(
  url: string,
  pid: number,
): Promise<{ before: number; idle: number; busy: number }> {
  const { hostname, port } = new URL(url);
  const before = residentMb(pid);
  const sockets: Socket[] = [];
  for (let opened = 0; opened < IDLE_CONNECTIONS; opened += 100) {
    const some = Array.from({ length: 100 }, () => connect(Number(port), hostname));
    await Promise.all(
      some.map(async (socket) => {
        socket.on('error', () => {});
        socket.write('GET /idle HTTP/1.1\r\nHost: x\r\n\r\n');
        await once(socket, 'data');
      }),
    );
    sockets.push(...some);
  }
  const idle = residentMb(pid);
  const load = spawn('wrk', ['-t1', `-c${BUSY_CONNECTIONS}`, '-d10s', `${url}/some/path`], { stdio: 'ignore' });
  let busy = 0;
  const watch = setInterval(() => {
    busy = Math.max(busy, residentMb(pid));
  }, 200);
  await once(load, 'exit');
  clearInterval(watch);
  for (const socket of sockets) socket.destroy();
  return { before, idle, busy };
}

function report(contenders: Contender[], memory: { before: number; idle: number; busy: number }): Table {
  const [limit, ours, nginx, ...peers] = contenders;
  if (limit === undefined || ours === undefined || nginx === undefined) throw new Error('contenders are fixed');
  const perSecond = ({ busy }: Contender) => median(busy.map((load) => load.requestsPerSecond));
  const addedMs = ({ single }: Contender) =>
    median(single.map((load, round) => load.p50Ms - (limit.single[round]?.p50Ms ?? Number.NaN)));
  /** Within each round, since rounds differ more than contenders do. */
  const ratio = (other: Contender) =>
    median(
      ours.busy.map((load, round) => load.requestsPerSecond / (other.busy[round]?.requestsPerSecond ?? Number.NaN)),
    );
  const best = peers.toSorted((a, b) => perSecond(b) - perSecond(a))[0];
  if (best === undefined) throw new Error('there are peers');
  return {
    title: 'Gateway',
    method: `GET of ${BODY_BYTES} bytes from a static nginx, straight and through each proxy with 50 kept connections to it; ${ROUNDS} rounds taken in turn, each beginning with another, after one to warm up, wrk with one thread: ${SECONDS} s at 50 connections, as long at one. Ours puts a token in, looks for it in every answer, and counts; nobody writes a log. Then ${IDLE_CONNECTIONS} connections to ours are opened, each asks once, and while they stay open ${BUSY_CONNECTIONS} others ask for 10 s.`,
    columns: ['', 'requests/s at 50', 'ours is', 'p50 at 1 (ms)', 'added (ms)', 'p99 at 50 (ms)', 'failed'],
    rows: contenders.map((contender) => [
      contender.name,
      perSecond(contender).toFixed(0),
      contender === ours ? '' : `${ratio(contender).toFixed(2)} ×`,
      median(contender.single.map((load) => load.p50Ms)).toFixed(2),
      contender === limit ? '' : addedMs(contender).toFixed(2),
      median(contender.busy.map((load) => load.p99Ms)).toFixed(1),
      String([...contender.busy, ...contender.single].reduce((sum, load) => sum + load.errors, 0)),
    ]),
    verdicts: [
      {
        goal: 'p50 added ≤ 0.3 ms at one connection',
        result: `${addedMs(ours).toFixed(2)} ms`,
        met: addedMs(ours) <= 0.3,
      },
      {
        goal: '≥ 1.0 × the best Node proxy at 50 connections',
        result: `${ratio(best).toFixed(2)} × ${best.name}`,
        met: ratio(best) >= 1,
      },
      {
        goal: `memory is bounded with ${IDLE_CONNECTIONS} idle and ${BUSY_CONNECTIONS} busy connections (≤ 250 MB)`,
        result: `${memory.before.toFixed(0)} MB before, ${memory.idle.toFixed(0)} MB with the idle ones, ${memory.busy.toFixed(0)} MB at most with both`,
        met: memory.busy <= 250,
      },
    ],
  };
}

/** A backend that costs as little as any: nginx with one response. */
async function startStaticServer(): Promise<{ url: string; stop: () => Promise<void> }> {
  const binary = await ensureNginx();
  if (binary === undefined) throw new Error('nginx is needed for this table');
  const port = await freePort();
  const folder = scratchDirectory('nginx-backend');
  mkdirSync(folder, { recursive: true });
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${join(folder, kind)};`,
  );
  const file = scratchFile(
    'backend.conf',
    `daemon off; worker_processes 1; pid ${folder}/pid; error_log ${folder}/error.log;
events { worker_connections 8192; }
http { access_log off; ${temporary.join(' ')} keepalive_requests 1000000000;
  server { listen 127.0.0.1:${port} backlog=1024;
    location / { default_type application/json; return 200 '"${'x'.repeat(BODY_BYTES - 2)}"'; } } }
`,
  );
  const child = spawn(binary, ['-p', folder, '-c', file, '-e', join(folder, 'error.log')], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  const url = `http://127.0.0.1:${port}`;
  for (let attempt = 0; ; attempt++) {
    if (
      await fetch(url).then(
        (response) => response.ok,
        () => false,
      )
    )
      break;
    if (attempt > 100) throw new Error('nginx did not start');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    url,
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

async function startRewrites(target: string) {
  const env = { ...process.env, BENCH_PROXY_TARGET: target };
  const build = spawnSync(process.execPath, [NEXT, 'build', 'bench/peers/next'], { encoding: 'utf8', env });
  if (build.status !== 0) throw new Error(`the Next peer does not build:\n${build.stdout}${build.stderr}`);
  return await startServer([NEXT, 'start', 'bench/peers/next', '-p', '{port}'], '/noop', {
    BENCH_PROXY_TARGET: target,
  });
}
