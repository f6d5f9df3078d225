import { rmSync } from 'node:fs';
import { CodeClient, startRunner } from '../code-client.ts';
import { type Benchmark, scratchDirectory, type Table } from '../harness.ts';
import { rounds } from '../options.ts';
import { memoryBelow, untilQuiet } from '../process-tree.ts';
import { type Hello, hellos, placed, runBare } from '../programs.ts';
import { median } from '../rounds.ts';

const ROUNDS = 3;
const SAMPLES = 10;
/** The same source again, in every language. */
const AGAIN_GOAL_MS = 12;
/** Of a plain run. */
const GOALS: Readonly<Record<string, number>> = {
  ...{ python: 0.4, javascript: 0.4 },
  ...{ java: 0.15, cpp: 0.5, go: 0.5, rust: 0.5 },
};

/**
 * A hello world in each language through HTTP, against the bare tools; and what the sandboxes that
 * wait take.
 */
export const code: Benchmark = { name: 'code', run };

interface Measured {
  hello: Hello;
  /** Medians, a number for each round. */
  bare: number[];
  fresh: number[];
  again: number[];
}

async function run(): Promise<Table> {
  const programs = hellos();
  const server = await startRunner(programs.map(({ language }) => language));
  const client = new CodeClient(server.url, 1);
  const results: Measured[] = [];
  for (const hello of programs) results.push(await measure(hello, client));
  await untilQuiet();
  const waiting = memoryBelow(server.pid);
  await client.close();
  await server.stop();
  return report(
    results,
    waiting.map(({ command, count, mb }) => `${count} × ${command} ${mb.toFixed(0)} MB`).join(', '),
    waiting.reduce((sum, { mb }) => sum + mb, 0),
  );
}

/** In turn: by hand, ours with a source that was never seen, ours with that source again. */
async function measure(hello: Hello & { commands: string[][] }, client: CodeClient): Promise<Measured> {
  const measured: Measured = { hello, bare: [], fresh: [], again: [] };
  const below = scratchDirectory(`hello-${hello.language}`);
  let number = 1000;
  for (let round = -1; round < rounds(ROUNDS); round++) {
    const times = { bare: [] as number[], fresh: [] as number[], again: [] as number[] };
    for (let sample = 0; sample < (round < 0 ? 2 : SAMPLES); sample++) {
      number += 1;
      const source = hello.source(number);
      const directory = placed(hello, number, below);
      const expected = `Hello, ${number}!\n`;
      times.bare.push(await timed(expected, () => runBare(hello.commands, directory)));
      times.fresh.push(await timed(expected, () => client.run(hello.language, source)));
      times.again.push(await timed(expected, () => client.run(hello.language, source)));
      rmSync(directory, { recursive: true });
    }
    // The first round warms everyone up.
    if (round < 0) continue;
    measured.bare.push(median(times.bare));
    measured.fresh.push(median(times.fresh));
    measured.again.push(median(times.again));
  }
  return measured;
}

/**
 * How long `work` takes in ms, begun when the runner has nothing else to do. Throws where it is
 * not as it should be.
 */
async function timed(expected: string, work: () => Promise<string>): Promise<number> {
  await untilQuiet();
  const started = performance.now();
  const printed = await work();
  const took = performance.now() - started;
  if (printed !== expected) throw new Error(`printed ${JSON.stringify(printed)} and not ${JSON.stringify(expected)}`);
  return took;
}

function report(results: readonly Measured[], waiting: string, waitingMb: number): Table {
  const ratio = ({ bare, fresh }: Measured) => median(fresh.map((ms, round) => ms / (bare[round] ?? Number.NaN)));
  const slowest = results.toSorted((one, other) => median(other.again) - median(one.again))[0];
  if (slowest === undefined) throw new Error('no language is installed');
  return {
    title: 'Code: a hello world, warm',
    method: `Through HTTP with one caller, against the same program run by hand without a sandbox (compilers without options; Go with its cache warm). In turn: by hand, a source that was never seen, that source again; ${rounds(ROUNDS)} rounds of ${SAMPLES} each after one to warm up, each begun when the runner has nothing else to do. Medians of the rounds' medians, ratios within a round. Memory: what all sandboxes that wait for a program take after that (proportional set size).`,
    columns: ['', 'by hand', 'by hand (ms)', 'new source (ms)', 'of by hand', 'same source again (ms)'],
    rows: results.map((result) => [
      result.hello.name,
      result.hello.bare,
      median(result.bare).toFixed(1),
      median(result.fresh).toFixed(1),
      `${ratio(result).toFixed(2)} ×`,
      median(result.again).toFixed(1),
    ]),
    verdicts: [
      ...results.flatMap((result) => {
        const goal = GOALS[result.hello.language];
        if (goal === undefined) return [];
        return [
          {
            goal: `${result.hello.name} ≤ ${goal} × by hand`,
            result: `${ratio(result).toFixed(2)} ×`,
            met: ratio(result) <= goal,
          },
        ];
      }),
      {
        goal: `the same source again ≤ ${AGAIN_GOAL_MS} ms in every language`,
        result: `${results.map(({ hello, again }) => `${hello.name} ${median(again).toFixed(1)}`).join(', ')} ms`,
        met: median(slowest.again) <= AGAIN_GOAL_MS,
      },
      {
        goal: 'memory of the waiting sandboxes at rest, stated',
        result: `${waitingMb.toFixed(0)} MB: ${waiting || 'none wait'}`,
        met: true,
      },
    ],
  };
}
