import { availableParallelism } from 'node:os';
import { CodeClient, startRunner } from '../code-client.ts';
import { type Benchmark, median, scratchDirectory, type Table } from '../harness.ts';
import { untilQuiet } from '../process-tree.ts';
import { type Hello, hellos, placed, runBare } from '../programs.ts';

const ROUNDS = 3;
const SECONDS = 8;
const LANGUAGES = ['python', 'javascript'];
const GOAL = 0.6;

/**
 * How many programs a second, for as long as one likes, at the same concurrency as the bare
 * interpreter's.
 */
export const codeThroughput: Benchmark = { name: 'code-throughput', run };

async function run(): Promise<Table> {
  const programs = hellos().filter(({ language }) => LANGUAGES.includes(language));
  const atOnce = availableParallelism();
  const server = await startRunner(programs.map(({ language }) => language));
  const client = new CodeClient(server.url, atOnce);
  const results: { hello: Hello; bare: number[]; ours: number[] }[] = [];
  for (const hello of programs) {
    const directory = placed(hello, 1, scratchDirectory(`sustained-${hello.language}`));
    const result = { hello, bare: [] as number[], ours: [] as number[] };
    for (let round = -1; round < ROUNDS; round++) {
      const seconds = round < 0 ? 1 : SECONDS;
      await untilQuiet();
      const bare = await sustained(seconds, atOnce, () => runBare(hello.commands, directory));
      const ours = await sustained(seconds, atOnce, () => client.run(hello.language, hello.source(1)));
      // The first round warms everyone up.
      if (round < 0) continue;
      result.bare.push(bare);
      result.ours.push(ours);
    }
    results.push(result);
  }
  await client.close();
  await server.stop();
  const share = ({ bare, ours }: { bare: number[]; ours: number[] }) =>
    median(ours.map((perSecond, round) => perSecond / (bare[round] ?? Number.NaN)));
  return {
    title: 'Code: runs a second, sustained',
    method: `The same hello world, ${atOnce} at a time for ${SECONDS} s: by hand without a sandbox, then through HTTP; ${ROUNDS} rounds after one to warm up. Each run has a sandbox of its own, whose setting up and clearing away is in the time.`,
    columns: ['', 'by hand, runs/s', 'ours, runs/s', 'of by hand'],
    rows: results.map((result) => [
      `${result.hello.name} (${result.hello.bare})`,
      median(result.bare).toFixed(1),
      median(result.ours).toFixed(1),
      `${(share(result) * 100).toFixed(0)} %`,
    ]),
    verdicts: results.map((result) => ({
      goal: `${result.hello.name} ≥ ${GOAL * 100} % of the bare interpreter's`,
      result: `${(share(result) * 100).toFixed(0)} %`,
      met: share(result) >= GOAL,
    })),
  };
}

/** Runs `work` over and over, `atOnce` at a time; how many ended a second. */
async function sustained(seconds: number, atOnce: number, work: () => Promise<string>): Promise<number> {
  const started = performance.now();
  const deadline = started + seconds * 1000;
  let done = 0;
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (performance.now() < deadline) {
        if ((await work()) !== 'Hello, 1!\n') throw new Error('a program did not print what it should');
        done += 1;
      }
    }),
  );
  return (done / (performance.now() - started)) * 1000;
}
