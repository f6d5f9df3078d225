import { spawnSync } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { type Benchmark, type RunningServer, scratchFile, startApp, startServer, type Table } from '../harness.ts';
import { residentMb, untilQuiet } from '../process-tree.ts';
import { median } from '../rounds.ts';

const ROUNDS = 7;
const REST_MS = 3000;
const NEXT = 'node_modules/next/dist/bin/next';
const GOAL_MS = 1000;
const GOAL_MB = 120;

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
  const build = spawnSync(process.execPath, [NEXT, 'build', 'bench/peers/next'], { encoding: 'utf8' });
  if (build.status !== 0) throw new Error(`the Next peer does not build:\n${build.stdout}${build.stderr}`);
  const contender = (name: string, begin: Contender['begin'], page: string): Contender => ({
    ...{ name, begin, page },
    ...{ response: [], memory: [], pageMs: [], pageMemory: [] },
  });
  const ours = contender('Chill Space', () => startApp(), '/');
  const contenders = [
    contender('node:http, a handler that does nothing (limit)', startBare, '/'),
    ours,
    contender('next start, a handler that does nothing', startNext, '/noop'),
  ];
  for (let round = -1; round < ROUNDS; round++) {
    for (const { begin, page, response: reply, memory, pageMs, pageMemory } of contenders) {
      await untilQuiet();
      const server = await begin();
      await delay(REST_MS);
      const rest = residentMb(server.pid);
      const asked = performance.now();
      const shown = await fetch(server.url + page);
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
    method: `The built app as \`npm start\` starts it, without npm: from the start of the process to its first answer (asked for every 10 ms), its resident memory ${REST_MS / 1000} s later, and then the first page that anybody asks for, for which Next is loaded; ${ROUNDS} rounds taken in turn after one to warm up, medians.`,
    columns: ['', 'first answer (ms)', 'at rest (MB)', 'first page (ms)', 'after it (MB)'],
    rows: contenders.map(({ name, response: reply, memory, pageMs, pageMemory }) => [
      name,
      ...[reply, memory, pageMs, pageMemory].map((values) => median(values).toFixed(0)),
    ]),
    verdicts: [
      {
        goal: `first answer ≤ ${GOAL_MS} ms after the start`,
        result: `${median(ours.response).toFixed(0)} ms`,
        met: median(ours.response) <= GOAL_MS,
      },
      {
        goal: `idle memory ≤ ${GOAL_MB} MB`,
        result: `${median(ours.memory).toFixed(0)} MB`,
        met: median(ours.memory) <= GOAL_MB,
      },
    ],
  };
}

const startBare = () =>
  startServer(['bench/peers/bare-http.ts', '{port}', scratchFile('word', 'x'), 'text/plain'], '/');
const startNext = () => startServer([NEXT, 'start', 'bench/peers/next', '-p', '{port}'], '/noop');
