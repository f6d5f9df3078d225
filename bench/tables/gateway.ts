import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import * as gateway from '../gateway-load.ts';
import type { Benchmark, Table } from '../harness.ts';
import { rounds, seconds } from '../options.ts';
import { NGINX, SMALL_BYTES, startNextRewrites } from '../peers/http-proxies.ts';
import { residentMb } from '../process-tree.ts';
import { medianRatio } from '../rounds.ts';

/** Many short ones: a shared machine is slow for seconds at a time. */
const ROUNDS = 11;
const SECONDS = 1;
const CONNECTIONS = 50;
const IDLE_CONNECTIONS = 5000;
const BUSY_CONNECTIONS = 200;
const BUSY_SECONDS = 10;
const MAX_ADDED_MS = 0.1;
const MIN_OF_BEST_NODE = 1.4;
const MIN_OF_NGINX_PER_CORE = 0.6;
const MAX_MB = 250;

/** The gateway against nginx, HAProxy, Caddy and the proxies that Node has. */
export const gatewayTable: Benchmark = { name: 'gateway', run };

async function run(): Promise<Table> {
  const { contenders, ours, skipped } = await gateway.startContenders();
  const backend = contenders[0]?.server.url ?? '';
  contenders.push(await startNextRewrites(backend));
  const results = await gateway.exchangeInTurn(
    contenders,
    { name: 'GET', path: '/some/path?x=1', connections: CONNECTIONS },
    { rounds: ROUNDS, seconds: SECONDS },
  );
  const memory = await memoryUnderConnections(ours.url, ours.pid);
  for (const { server } of contenders.toReversed()) await server.stop();
  return report(results, memory, skipped);
}

interface Memory {
  before: number;
  idle: number;
  busy: number;
}

/**
 * What the gateway holds while many connections are open: idle ones, each after one request, and
 * then busy ones next to them.
 */
async function memoryUnderConnections(url: string, pid: number): Promise<Memory> {
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
  const args = ['-t1', `-c${BUSY_CONNECTIONS}`, `-d${seconds(BUSY_SECONDS)}s`, `${url}/some/path`];
  const load = spawn('wrk', args, { stdio: 'ignore' });
  let busy = 0;
  const watch = setInterval(() => {
    busy = Math.max(busy, residentMb(pid));
  }, 200);
  await once(load, 'exit');
  clearInterval(watch);
  for (const socket of sockets) socket.destroy();
  return { before, idle, busy };
}

function report(results: readonly gateway.Result[], memory: Memory, skipped: string[]): Table {
  const ours = gateway.byName(results, gateway.OURS);
  const nginx = gateway.byName(results, NGINX);
  const best = gateway.bestNodePeer(results);
  const added = gateway.addedMs(results, ours);
  const nginxPerCore = medianRatio(gateway.cpu(nginx), gateway.cpu(ours));
  return {
    title: 'Gateway',
    method: `GET of ${SMALL_BYTES} bytes from a static nginx, straight and through each proxy with 50 kept connections to it; ${rounds(ROUNDS)} rounds taken in turn, each beginning with another, after one to warm up, wrk with one thread: ${seconds(SECONDS)} s at ${CONNECTIONS} connections, as long at one. CPU: of all processes of the server, per request. nginx and HAProxy have one worker, Caddy takes both cores. Ours puts a token in, looks for it in every answer, and counts; none of them writes a log. Then ${IDLE_CONNECTIONS} connections to ours are opened, each asks once, and while they stay open ${BUSY_CONNECTIONS} others ask for ${seconds(BUSY_SECONDS)} s.`,
    columns: ['', ...gateway.COLUMNS],
    rows: results.map((one) => [one.name, ...gateway.cells(results, one)]),
    verdicts: [
      {
        goal: `p50 added ≤ ${MAX_ADDED_MS} ms at one connection`,
        result: `${added.toFixed(2)} ms`,
        met: added <= MAX_ADDED_MS,
      },
      ...(best === undefined
        ? []
        : [gateway.holdsAgainst(`requests/s of the best Node proxy, ${best.name}`, ours, best, MIN_OF_BEST_NODE)]),
      {
        goal: `requests per core: ≥ ${MIN_OF_NGINX_PER_CORE} × nginx`,
        result: `${nginxPerCore.toFixed(2)} ×`,
        met: nginxPerCore >= MIN_OF_NGINX_PER_CORE,
      },
      {
        goal: `memory is bounded with ${IDLE_CONNECTIONS} idle and ${BUSY_CONNECTIONS} busy connections (≤ ${MAX_MB} MB)`,
        result: `${memory.before.toFixed(0)} MB before, ${memory.idle.toFixed(0)} MB with the idle ones, ${memory.busy.toFixed(0)} MB at most with both`,
        met: memory.busy <= MAX_MB,
      },
    ],
    skipped,
  };
}
