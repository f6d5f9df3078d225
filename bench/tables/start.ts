import { spawnSync } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { type Benchmark, type RunningServer, scratchFile, startApp, startServer, type Table } from '../harness.ts';
import { rounds } from '../options.ts';
import { buildNextPeer, startBuiltNextPeer } from '../peers/next-app.ts';
import { residentMb, untilQuiet } from '../process-tree.ts';
import { median } from '../rounds.ts';

const ROUNDS = 7;
const REST_MS = 3000;
const MAX_START_MS = 600;
const MAX_PAGE_MS = 500;
const MAX_IDLE_MB = 110;

/**
 * How long the built app takes to its first response, its memory at rest, and what the first page
 * takes.
 */
export const start: Benchmark = { name: 'start', run };

interface Contender {
  name: string;
  begin: () => Promise<RunningServer>;
  page: string;
  response: number[];
  memory: number[];
  pageMs: number[];
  pageMemory: number[];
}

async function run(): Promise<Table> {
  buildNextPeer();
  const contender = (name: string, begin: Contender['begin'], page: string): Contender => ({
    ...{ name, begin, page },
    ...{ response: [], memory: [], pageMs: [], pageMemory: [] },
  });
  const ours = contender('Chill Space', () => startApp(), '/');
  const contenders = [
    contender('node:http, a handler that does nothing', startBare, '/'),
    ours,
    contender('next start, a handler that does nothing', () => startBuiltNextPeer(), '/noop'),
  ];
  const bareStarts: number[] = [];
  for (let round = -1; round < rounds(ROUNDS); round++) {
    await untilQuiet();
    const nodeBegan = performance.now();
    spawnSync(process.execPath, ['-e', '0']);
    if (round >= 0) bareStarts.push(performance.now() - nodeBegan);
    for (const { begin, page, response: reply, memory, pageMs, pageMemory } of contenders) {
      await untilQuiet();
      const server = await begin();
      await delay(REST_MS);
      const rest = residentMb(server.pid);
      const asked = performance.now();
      const shown = await fetch(server.url + page, { headers: { accept: 'text/html' } });
      await shown.arrayBuffer();
      if (shown.status >= 500) throw new Error(`${page} answered ${shown.status}`);
      const shownMs = performance.now() - asked;
      // The first round warms the file caches up.
      if (round >= 0) {
        reply.push(server.startedMs);
        memory.push(rest);
        pageMs.push(shownMs);
        pageMemory.push(residentMb(server.pid));
      }
      await server.stop();
    }
  }
  return {
    title: 'Start',
    method: `The built app as \`npm start\` starts it, without npm: from the start of the process to its first answer (asked for every 10 ms), its resident memory ${REST_MS / 1000} s later, and then the first page that anybody asks for, for which Next is loaded; ${rounds(ROUNDS)} rounds taken in turn after one to warm up, medians.`,
    columns: ['', 'first answer (ms)', 'at rest (MB)', 'first page (ms)', 'after it (MB)'],
    rows: [
      ['node -e 0 (limit)', median(bareStarts).toFixed(0), '', '', ''],
      ...contenders.map(({ name, response: reply, memory, pageMs, pageMemory }) => [
        name,
        ...[reply, memory, pageMs, pageMemory].map((values) => median(values).toFixed(0)),
      ]),
    ],
    verdicts: [
      {
        goal: `first answer ≤ ${MAX_START_MS} ms after the start`,
        result: `${median(ours.response).toFixed(0)} ms`,
        met: median(ours.response) <= MAX_START_MS,
      },
      {
        goal: `first page ≤ ${MAX_PAGE_MS} ms more`,
        result: `${median(ours.pageMs).toFixed(0)} ms`,
        met: median(ours.pageMs) <= MAX_PAGE_MS,
      },
      {
        goal: `idle memory ≤ ${MAX_IDLE_MB} MB`,
        result: `${median(ours.memory).toFixed(0)} MB`,
        met: median(ours.memory) <= MAX_IDLE_MB,
      },
    ],
  };
}

const startBare = () =>
  startServer(['bench/peers/bare-http.ts', '{port}', scratchFile('word', 'x'), 'text/plain'], '/');
