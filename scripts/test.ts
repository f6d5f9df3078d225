/**
 * `npm test`: sets up what the tests need, then runs every suite, and ends with the total over all
 * of them, alone on the last line. A suite that fails does not keep the others from running.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectEnvironment, run, SetupError, say } from './bootstrap/setup.mjs';
import { ensureBuild } from './build.ts';
import { ensureCaddy } from './caddy.ts';
import { ensureModel } from './model.ts';
import { ensureNginx } from './nginx.ts';
import { ensureOllama } from './ollama.ts';
import { ensurePythonClients } from './python-clients.ts';
import { ensureSystemTools, TOOLCHAINS } from './system-tools.ts';

/** The sandboxes, the browser, the languages, a database, Redis, and a header of the kernel's. */
const SYSTEM_TOOLS = {
  bwrap: 'bubblewrap',
  runsc: 'runsc',
  chromium: 'chromium',
  cc: 'gcc',
  'initdb|/usr/lib/postgresql/15/bin/initdb|/usr/lib/postgresql/16/bin/initdb|/usr/lib/postgresql/17/bin/initdb':
    'postgresql',
  'redis-server|valkey-server': 'redis-server',
  ...TOOLCHAINS,
  '/usr/include/seccomp.h': 'libseccomp-dev',
};

interface Tally {
  passed?: number | undefined;
  failed?: number | undefined;
  skipped?: number | undefined;
}

/** What is read of vitest's and Playwright's JSON reports. */
interface Report {
  numPassedTests?: number;
  numFailedTests?: number;
  numPendingTests?: number;
  numTodoTests?: number;
  stats?: { expected: number; flaky: number; unexpected: number; skipped: number };
}

const reports = mkdtempSync(join(tmpdir(), 'chill-space-test-'));
const total = { passed: 0, failed: 0, skipped: 0 };

try {
  await setUp();
  await check('types', async () => (await tool('next', 'typegen')) === 0 && (await tool('tsc', '--noEmit')) === 0);
  // A build leaves much of a second core idle.
  await Promise.all([
    check('build', async () => {
      await ensureBuild();
      return true;
    }),
    lint(),
  ]);
  await unitAndIntegration();
  await browser();
} finally {
  rmSync(reports, { recursive: true, force: true });
}

const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : '';
console.log(`${total.passed} passed, ${total.failed} failed${skipped}`);
process.exitCode = total.failed > 0 ? 1 : 0;

async function setUp(): Promise<void> {
  try {
    const missing = await ensureSystemTools(SYSTEM_TOOLS);
    if (missing.length > 0) throw new SetupError('The tests need these programs; nothing was run.');
    await ensureModel({ log: say, env: process.env });
    // The gateway is held against it; where it cannot be had, that suite says so.
    await ensureNginx({ log: say, env: process.env });
    // The balancer of several servers; where it cannot be had, its tests fail and say so.
    await ensureCaddy({ log: say, env: process.env });
    // Built once from its source, where Go and a compiler are; where they are not, the provider
    // suite says so.
    await ensureOllama({ log: say, env: process.env });
    // The official Python SDKs; where they cannot be had, their tests are skipped with the reason.
    const clients = await ensurePythonClients({ log: say, env: process.env });
    if ('missing' in clients) say(clients.missing);
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    console.log('0 passed, 1 failed');
    process.exit(1);
  }
}

/** One check that either holds or does not. */
async function check(name: string, holds: () => Promise<boolean>): Promise<void> {
  heading(name);
  const startedMs = performance.now();
  let held = false;
  try {
    held = await holds();
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
  }
  count(name, held ? { passed: 1 } : { failed: 1 }, startedMs);
}

/** Writes nothing before it has ended, since it runs next to the build. */
async function lint(): Promise<void> {
  const startedMs = performance.now();
  const output: Buffer[] = [];
  const code = await run('biome', ['check', '--error-on-warnings', '.'], {
    env: projectEnvironment(),
    stdio: ['ignore', 'pipe', 'pipe'],
    onOutput: (chunk) => {
      output.push(chunk);
    },
  });
  heading('lint and import rules');
  process.stdout.write(Buffer.concat(output));
  count('lint and import rules', code === 0 ? { passed: 1 } : { failed: 1 }, startedMs);
}

async function unitAndIntegration() {
  heading('unit and integration tests');
  const startedMs = performance.now();
  const file = join(reports, 'vitest.json');
  const code = await tool('vitest', 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${file}`);
  const report = readReport(file);
  const counted = {
    passed: report?.numPassedTests,
    failed: report?.numFailedTests,
    skipped: (report?.numPendingTests ?? 0) + (report?.numTodoTests ?? 0),
  };
  tally('unit and integration tests', code, counted, startedMs);
}

async function browser() {
  heading('browser tests');
  const startedMs = performance.now();
  const file = join(reports, 'playwright.json');
  const environment = { PLAYWRIGHT_JSON_OUTPUT_NAME: file, E2E_PORT: String(await freePort()), FORCE_COLOR: '0' };
  const code = await run('playwright', ['test', '--reporter=list,json'], { env: projectEnvironment(environment) });
  const stats = readReport(file)?.stats;
  if (stats !== undefined && stats.flaky > 0)
    console.log(`${stats.flaky} browser tests passed only at the second try; they are named above.`);
  const counted = {
    passed: (stats?.expected ?? 0) + (stats?.flaky ?? 0),
    failed: stats?.unexpected,
    skipped: stats?.skipped,
  };
  tally('browser tests', code, counted, startedMs);
}

/**
 * A suite that ended badly without naming a failed test (a crash, a file that does not load, no
 * test at all) is one failure.
 */
function tally(name: string, code: number, { passed = 0, failed = 0, skipped = 0 }: Tally, startedMs: number): void {
  const ended = code === 0 && passed > 0;
  count(name, { passed, failed: !ended && failed === 0 ? 1 : failed, skipped }, startedMs);
}

function count(name: string, { passed = 0, failed = 0, skipped = 0 }: Tally, startedMs: number): void {
  total.passed += passed;
  total.failed += failed;
  total.skipped += skipped;
  const seconds = Math.round((performance.now() - startedMs) / 1000);
  const figures = `${passed} passed, ${failed} failed, ${skipped} skipped`;
  console.log(`${failed > 0 ? 'FAILED' : 'ok'}: ${name} (${figures}) in ${seconds} s`);
}

function heading(name: string): void {
  console.log(`\n=== ${name}`);
}

function tool(command: string, ...args: string[]): Promise<number> {
  return run(command, args, { env: projectEnvironment({ NEXT_TELEMETRY_DISABLED: '1' }) });
}

function readReport(file: string): Report | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

function freePort(): Promise<number> {
  return new Promise<number>((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
