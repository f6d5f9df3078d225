import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CHROMIUM, CHROMIUM_ARGS } from '../browser.ts';
import { type Benchmark, scratchFile, startApp, type Table } from '../harness.ts';
import { CACHE } from '../peers/install.ts';
import { median } from '../rounds.ts';

const VERSION = '13.5.0';
const FOLDER = join(CACHE, `lighthouse-${VERSION}`);
const PAGES = ['/', '/playground', '/dashboard', '/gateway', '/sign-in', '/docs/api'];
const CATEGORIES = ['performance', 'accessibility', 'best-practices', 'seo'] as const;
/**
 * Its own two settings: a phone has a slow 4G and a processor four times slower than this
 * machine's.
 */
const DEVICES = [
  { name: 'desktop', flags: ['--preset=desktop'] },
  { name: 'phone', flags: [] },
] as const;
const ROUNDS = 5;
const GOAL = 95;

type Scores = Record<(typeof CATEGORIES)[number], number>;

/** What Lighthouse makes of every page, at a desk and on a phone. */
export const lighthousePages: Benchmark = { name: 'lighthouse', run };

async function run(): Promise<Table> {
  const cli = join(FOLDER, 'node_modules/lighthouse/cli/index.js');
  if (!existsSync(cli)) await install();
  const ours = await startApp({ MODEL_PROVIDER: 'embedded', LOG_LEVEL: 'warn' });
  try {
    const rows: { page: string; device: string; scores: Scores; faults: string[] }[] = [];
    const speeds: number[] = [];
    for (const { name: device, flags } of DEVICES)
      for (const page of await served(ours.url)) {
        const audits: Audit[] = [];
        for (let round = 0; round < ROUNDS; round++) audits.push(await audit(cli, ours.url + page, flags));
        const scores = Object.fromEntries(
          CATEGORIES.map((category) => [category, median(audits.map((one) => one.scores[category]))]),
        ) as Scores;
        rows.push({ page, device, scores, faults: audits.at(-1)?.faults ?? [] });
        speeds.push(...audits.map(({ speed }) => speed));
      }
    const faults = [...new Set(rows.flatMap(({ page, faults: found }) => found.map((fault) => `${page}: ${fault}`)))];
    return {
      title: 'Pages: Lighthouse',
      method: `Lighthouse ${VERSION} with its own settings for a desktop, and for a phone (slow 4G, a processor four times slower than the one here), in Debian's Chromium; medians of ${ROUNDS} runs. The processor here, by Lighthouse's own figure: ${median(speeds).toFixed(0)}.${faults.length === 0 ? '' : ` Audits that do not pass: ${faults.join('; ')}.`}`,
      columns: ['', '', ...CATEGORIES],
      rows: rows.map(({ page, device, scores }) => [
        ...[page, device],
        ...CATEGORIES.map((category) => String(scores[category])),
      ]),
      verdicts: DEVICES.map(({ name }) => {
        const low = rows
          .filter(({ device }) => device === name)
          .flatMap(({ page, scores }) =>
            CATEGORIES.filter((category) => scores[category] < GOAL).map(
              (category) => `${page}: ${category} ${scores[category]}`,
            ),
          );
        return {
          goal: `≥ ${GOAL} in each of the four, ${name}`,
          result: low.length === 0 ? 'all' : low.join(', '),
          met: low.length === 0,
        };
      }),
    };
  } finally {
    await ours.stop();
  }
}

/** The pages that this version has. */
async function served(url: string): Promise<string[]> {
  const responses = await Promise.all(
    PAGES.map(async (page) => {
      const { status } = await fetch(url + page, { headers: { accept: 'text/html' } });
      return { page, status };
    }),
  );
  return responses.filter(({ status }) => status === 200).map(({ page }) => page);
}

interface Audit {
  scores: Scores;
  /** Of the processor, as Lighthouse measures it: a fast desktop has 2,000 and more. */
  speed: number;
  /** Audits of the last three categories that did not pass. */
  faults: string[];
}

interface Report {
  environment: { benchmarkIndex: number };
  categories: Record<string, { score: number; auditRefs: { id: string; weight: number }[] }>;
  audits: Record<string, { score: number | null; scoreDisplayMode: string }>;
}

const ATTEMPTS = 5;

/**
 * Lighthouse sometimes misses the start of a page that is there quickly, and asks to be run again.
 */
async function audit(cli: string, url: string, device: readonly string[], attempt = 1): Promise<Audit> {
  try {
    return await auditOnce(cli, url, device);
  } catch (error) {
    if (attempt === ATTEMPTS || !(error instanceof Error) || !error.message.includes('run Lighthouse again'))
      throw error;
    return await audit(cli, url, device, attempt + 1);
  }
}

async function auditOnce(cli: string, url: string, device: readonly string[]): Promise<Audit> {
  const file = scratchFile('lighthouse.json', '');
  const flags = [...CHROMIUM_ARGS, '--headless=new'].join(' ');
  await command(process.execPath, [
    cli,
    url,
    `--output-path=${file}`,
    '--output=json',
    '--quiet',
    `--only-categories=${CATEGORIES.join(',')}`,
    `--chrome-flags=${flags}`,
    ...device,
  ]);
  const { categories, audits, environment } = JSON.parse(readFileSync(file, 'utf8')) as Report;
  const scores = Object.fromEntries(
    CATEGORIES.map((category) => [category, Math.round((categories[category]?.score ?? 0) * 100)]),
  ) as Scores;
  const faults = CATEGORIES.slice(1).flatMap((category) =>
    (categories[category]?.auditRefs ?? [])
      .filter(({ id, weight }) => weight > 0 && audits[id]?.scoreDisplayMode === 'binary' && audits[id]?.score === 0)
      .map(({ id }) => id),
  );
  return { scores, speed: environment.benchmarkIndex, faults };
}

async function install(): Promise<void> {
  console.error(`Installing lighthouse ${VERSION} into ${FOLDER} …`);
  const env = { PUPPETEER_SKIP_DOWNLOAD: '1' };
  await command('npm', ['install', '--prefix', FOLDER, '--no-audit', '--no-fund', '-E', `lighthouse@${VERSION}`], env);
}

function command(program: string, args: string[], env: Record<string, string> = {}): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      env: { ...process.env, CHROME_PATH: CHROMIUM, ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let complaints = '';
    child.stderr.on('data', (chunk: Buffer) => {
      complaints = (complaints + chunk.toString()).slice(-2_000);
    });
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`${program} ended with ${code}:\n${complaints}`)),
    );
  });
}
