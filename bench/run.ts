/**
 * `npm run bench` measures every table and writes `bench/RESULTS.md`; `npm run bench -- chat` only
 * prints that one. The app must be built (`npm run build`, or any `npm start`).
 */
import { existsSync, writeFileSync } from 'node:fs';
import { arch, cpus, platform, release, totalmem } from 'node:os';
import type { Benchmark, Table } from './harness.ts';
import { cachedQuestions } from './tables/cached-questions.ts';
import { cachedJson, cachedStream } from './tables/cached-response.ts';
import { chatPage } from './tables/chat-page.ts';
import { coalescing } from './tables/coalescing.ts';
import { code } from './tables/code.ts';
import { codeThroughput } from './tables/code-throughput.ts';
import { distinctStreams } from './tables/distinct-streams.ts';
import { gatewayTable } from './tables/gateway.ts';
import { lighthousePages } from './tables/lighthouse.ts';
import { queue } from './tables/queue.ts';
import { start } from './tables/start.ts';
import { streamOverhead } from './tables/stream-overhead.ts';

const BENCHMARKS: Benchmark[] = [
  cachedJson,
  cachedStream,
  cachedQuestions,
  streamOverhead,
  distinctStreams,
  coalescing,
  queue,
  code,
  codeThroughput,
  gatewayTable,
  start,
  chatPage,
  lighthousePages,
];

const wanted = process.argv.slice(2);
const chosen = BENCHMARKS.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
if (chosen.length === 0) fail(`No such table. There are: ${BENCHMARKS.map(({ name }) => name).join(', ')}.`);
if (!existsSync('.next/BUILD_ID')) fail('The app is not built yet: run npm run build first.');

const sections: string[] = [];
for (const benchmark of chosen) {
  console.error(`Measuring ${benchmark.name} …`);
  const section = render(await benchmark.run());
  console.log(section);
  sections.push(section);
  // After each table: what was measured stays, whatever becomes of the next.
  if (wanted.length === 0) writeFileSync('bench/RESULTS.md', `${heading()}\n${sections.join('\n')}`);
}
process.exit(0);

function heading(): string {
  const cpu = cpus()[0]?.model ?? 'unknown processor';
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  return `# Results

The last full run of \`npm run bench\`. Absolute times are noise on a shared machine: the ratios are the result.

Machine: ${cpu}, ${cpus().length} cores, ${memory}, ${platform()} ${release()} ${arch()}. Node ${process.versions.node}. ${new Date().toISOString().slice(0, 10)}.
`;
}

function render({ title, method, columns, rows, verdicts }: Table): string {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
  return [
    `## ${title}`,
    '',
    method,
    '',
    line(columns),
    line(columns.map((_, index) => (index === 0 ? '---' : '---:'))),
    ...rows.map(line),
    '',
    ...verdicts.map(({ goal, result, met }) => `- ${met ? 'met' : '**not met**'}: ${goal} (${result})`),
    '',
  ].join('\n');
}

function fail(sentence: string): never {
  console.error(sentence);
  process.exit(1);
}
