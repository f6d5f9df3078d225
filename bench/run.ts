/**
 * `npm run bench` measures every table and writes `bench/RESULTS.md`. `npm run bench -- queue` only
 * prints that one; `--rounds=1`, `--seconds=1` and `--only=<part of a row's name>` shorten a run,
 * which then only prints, too. `npm run bench -- --continue` goes on with a full run that was
 * interrupted. `npm run bench -- --goals` lists the goals and their tables. The app must be built
 * (`npm run build`, or any `npm start`).
 */
import { existsSync, writeFileSync } from 'node:fs';
import { arch, cpus, platform, release, totalmem } from 'node:os';
import { GOALS, goalsIndex } from './goals.ts';
import type { Table } from './harness.ts';
import { type Options, options } from './options.ts';
import { readCommit, readSections, writeSections } from './results.ts';
import { BENCHMARKS } from './tables.ts';

const { names, goals, rounds, seconds, only, continue: isContinued } = readOptions();
if (goals) {
  console.log(goalsIndex(GOALS));
  process.exit(0);
}
const unknown = names.filter((name) => !BENCHMARKS.some((benchmark) => benchmark.name === name));
if (unknown.length > 0)
  fail(`No table ${unknown.join(', ')}. There are: ${BENCHMARKS.map(({ name }) => name).join(', ')}.`);
if (!existsSync('.next/BUILD_ID')) fail('The app is not built yet: run npm run build first.');
const chosen = BENCHMARKS.filter(({ name, isLong }) => (names.length === 0 ? isLong !== true : names.includes(name)));
const isFull = names.length === 0 && rounds === undefined && seconds === undefined && only === undefined;
if (isContinued && !isFull) fail('--continue goes on with a full run: it takes no tables and no other flags.');

const commit = readCommit();
if (isContinued && commit === undefined)
  fail('--continue needs a commit without changes: tables of different programs are no full run.');
const sections = new Map(isContinued && commit !== undefined ? readSections(commit) : []);
for (const benchmark of chosen) {
  if (sections.has(benchmark.name)) continue;
  console.error(`Measuring ${benchmark.name} …`);
  const section = render(await benchmark.run());
  console.log(section);
  sections.set(benchmark.name, section);
  // After each table: what was measured stays, whatever becomes of the next.
  if (!isFull) continue;
  writeFileSync('bench/RESULTS.md', `${heading(commit)}\n${[...sections.values()].join('\n')}`);
  if (commit !== undefined) writeSections(commit, sections);
}
process.exit(0);

function readOptions(): Options {
  try {
    return options();
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  }
}

function heading(commit: string | undefined): string {
  const cpu = cpus()[0]?.model ?? 'unknown processor';
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  return `# Results

The last full run of \`npm run bench\`. Absolute times are noise on a shared machine: the ratios are the result.

Machine: ${cpu}, ${cpus().length} cores, ${memory}, ${platform()} ${release()} ${arch()}. Node ${process.versions.node}. ${commit === undefined ? '' : `Commit ${commit.slice(0, 7)}. `}${new Date().toISOString().slice(0, 10)}.
`;
}

function render({ title, method, columns, rows, verdicts, skipped = [] }: Table): string {
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
    ...skipped.map((reason) => `- skipped: ${reason}`),
    '',
  ].join('\n');
}

function fail(sentence: string): never {
  console.error(sentence);
  process.exit(1);
}
