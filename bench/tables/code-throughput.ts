import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CodeClient, startRunner } from '../code-client.ts';
import { type Benchmark, type RunningServer, scratchDirectory, type Table, type Verdict } from '../harness.ts';
import { chosenRows, rounds, seconds } from '../options.ts';
import { GoJudgeClient, startGoJudge } from '../peers/go-judge.ts';
import { endedChildrenMs, treeProcessorMs, untilQuiet } from '../process-tree.ts';
import { type Hello, hellos, placed, runBare } from '../programs.ts';
import { measureInTurn, median, medianRatio } from '../rounds.ts';

const ROUNDS = 3;
const SECONDS = 4;
const WARM_UP_SECONDS = 1;
const LANGUAGES = ['python', 'javascript', 'java', 'cpp'];
const AT_ONCE = [1, 2, 4, 8];
const MOST_AT_ONCE = 8;
/** At this many at a time: the cores of the machine that the goals were set on. */
const HELD_AT_ONCE = 2;
const OF_BARE: Readonly<Record<string, number>> = { python: 0.8, javascript: 0.8, java: 8, cpp: 1.5 };
const OF_GO_JUDGE: Readonly<Record<string, number>> = { python: 1.2, javascript: 1.2 };

type Program = Hello & { commands: string[][] };

interface Measured {
  perSecond: number;
  /** Processor time of all processes, in ms per run. */
  cpuMs: number;
}

interface Contender {
  /** Runs the program of that number, for the `lane`th of those at a time. */
  work: (number: number, lane: number) => Promise<string>;
  processorMs: () => number;
}

interface Result {
  hello: Program;
  atOnce: number;
  bare: Measured[];
  ours: Measured[];
  /** Undefined where this machine does not have it. */
  goJudge: Measured[] | undefined;
}

/**
 * How many programs a second, for as long as one likes, one or several at a time: by hand, ours,
 * and go-judge.
 */
export const codeThroughput: Benchmark = { name: 'code-throughput', run };

async function run(): Promise<Table> {
  const programs = hellos().filter(({ language }) => LANGUAGES.includes(language));
  const rows = chosenRows(
    programs.flatMap((hello) =>
      AT_ONCE.map((atOnce) => ({ name: `${hello.name}, ${atOnce} at a time`, hello, atOnce })),
    ),
  );
  const server = await startRunner(programs.map(({ language }) => language));
  const client = new CodeClient(server.url, MOST_AT_ONCE);
  const judge = await startGoJudge(MOST_AT_ONCE);
  const judgeClient = 'server' in judge ? new GoJudgeClient(judge.server.url, MOST_AT_ONCE) : undefined;
  const results: Result[] = [];
  for (const { hello, atOnce } of rows) {
    const below = scratchDirectory(`sustained-${hello.language}-${atOnce}`);
    const lanes = Array.from({ length: atOnce }, () => placed(hello, 0, below));
    const contenders: Contender[] = [
      { work: (number, lane) => runByHand(hello, number, lanes[lane] ?? below), processorMs: endedChildrenMs },
      ofServer(server, (number) => client.run(hello.language, hello.source(number))),
    ];
    if ('server' in judge && judgeClient !== undefined)
      contenders.push(ofServer(judge.server, (number) => judgeClient.run(hello, hello.source(number))));
    const [bare = [], ours = [], goJudge] = await measureInTurn(contenders, ROUNDS, async (contender, isWarmUp) => {
      await untilQuiet();
      return await sustained(isWarmUp ? WARM_UP_SECONDS : seconds(SECONDS), atOnce, contender);
    });
    results.push({ hello, atOnce, bare, ours, goJudge });
  }
  await client.close();
  await judgeClient?.close();
  await server.stop();
  if ('server' in judge) await judge.server.stop();
  return report(results, 'skipped' in judge ? [judge.skipped] : []);
}

const ofServer = ({ pid }: RunningServer, work: Contender['work']): Contender => ({
  work,
  processorMs: () => treeProcessorMs(pid),
});

function runByHand(hello: Program, number: number, directory: string): Promise<string> {
  writeFileSync(join(directory, hello.file), hello.source(number));
  return runBare(hello.commands, directory);
}

let number = 0;

/** Runs one new program after another, `atOnce` at a time. */
async function sustained(length: number, atOnce: number, { work, processorMs }: Contender): Promise<Measured> {
  const before = processorMs();
  const started = performance.now();
  const deadline = started + length * 1000;
  let done = 0;
  await Promise.all(
    Array.from({ length: atOnce }, async (_, lane) => {
      while (performance.now() < deadline) {
        number += 1;
        const expected = `Hello, ${number}!\n`;
        const printed = await work(number, lane);
        if (printed !== expected)
          throw new Error(`${JSON.stringify(printed)} was printed, not ${JSON.stringify(expected)}`);
        done += 1;
      }
    }),
  );
  const perSecond = (done / (performance.now() - started)) * 1000;
  // What is made ready for the next run belongs to this one.
  await untilQuiet();
  return { perSecond, cpuMs: (processorMs() - before) / done };
}

function report(results: readonly Result[], skipped: string[]): Table {
  const rate = (list: readonly Measured[]) => list.map(({ perSecond }) => perSecond);
  const cpu = (list: readonly Measured[]) => median(list.map(({ cpuMs }) => cpuMs)).toFixed(0);
  const ratio = (one: readonly Measured[], other: readonly Measured[]) => medianRatio(rate(one), rate(other));
  const times = (one: readonly Measured[], other: readonly Measured[] | undefined) =>
    other === undefined ? '' : `${ratio(one, other).toFixed(2)} ×`;
  return {
    title: 'Code: runs a second, sustained',
    method: `A hello world that differs each time, ${AT_ONCE.join(', ')} at a time for ${seconds(SECONDS)} s: by hand without a sandbox, through our HTTP API, and by go-judge, which uses its containers again; ${rounds(ROUNDS)} rounds in turn after one to warm up; medians, ratios within a round. Each of our runs has a sandbox of its own, whose setting up and clearing away is in the time. CPU: of all processes, in ms per run, until the machine is at rest again.`,
    columns: [
      '',
      'by hand, runs/s',
      'ours, runs/s',
      'go-judge, runs/s',
      'of by hand',
      'of go-judge',
      'by hand, CPU (ms)',
      'ours, CPU (ms)',
      'go-judge, CPU (ms)',
    ],
    rows: results.map(({ hello, atOnce, bare, ours, goJudge }) => [
      `${hello.name} (${hello.bare}), ${atOnce} at a time`,
      median(rate(bare)).toFixed(1),
      median(rate(ours)).toFixed(1),
      goJudge === undefined ? '' : median(rate(goJudge)).toFixed(1),
      times(ours, bare),
      times(ours, goJudge),
      cpu(bare),
      cpu(ours),
      goJudge === undefined ? '' : cpu(goJudge),
    ]),
    verdicts: results
      .filter(({ atOnce }) => atOnce === HELD_AT_ONCE)
      .flatMap(({ hello, bare, ours, goJudge }) => [
        ...held(hello, hello.bare, OF_BARE, ratio(ours, bare)),
        ...(goJudge === undefined ? [] : held(hello, 'go-judge', OF_GO_JUDGE, ratio(ours, goJudge))),
      ]),
    skipped,
  };
}

function held(hello: Hello, other: string, goals: Readonly<Record<string, number>>, ratio: number): Verdict[] {
  const { [hello.language]: goal } = goals;
  if (goal === undefined) return [];
  return [
    {
      goal: `${hello.name}, ${HELD_AT_ONCE} at a time: ≥ ${goal} × ${other}`,
      result: `${ratio.toFixed(2)} ×`,
      met: ratio >= goal,
    },
  ];
}
