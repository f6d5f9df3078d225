/**
 * The built pages: made where they are missing or older than their sources. `npm run build` makes
 * them in any case.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { progress } from './bootstrap/progress.mjs';
import {
  deniedComplaint,
  hash,
  LOCK,
  loadDotEnv,
  projectEnvironment,
  projectNode,
  ROOT,
  run,
  SetupError,
  say,
} from './bootstrap/setup.mjs';
import { exclusively } from './bootstrap/setup-lock.mjs';
import { finishBuild } from './finish-build.ts';
import { PRECOMPILE_ARGUMENTS, serverEnvironment } from './server-process.ts';

const SOURCES = [
  'app',
  'components',
  'lib',
  'public',
  'proxy.ts',
  'instrumentation-client.ts',
  'next.config.mjs',
  'postcss.config.mjs',
  'tsconfig.json',
  'package.json',
  'package-lock.json',
  'scripts/demo.ts',
  'scripts/finish-build.ts',
  'scripts/lucide-loader.cjs',
  'scripts/uplot-loader.cjs',
];
const STAMP = '.next/chill-space-build';
/**
 * What a whole build has; a build that was broken off, or a folder that was cleared, lacks some of
 * it.
 */
const PRODUCTS = [
  '.next/BUILD_ID',
  '.next/build-manifest.json',
  '.next/prerender-manifest.json',
  '.next/required-server-files.json',
  '.next/routes-manifest.json',
  '.next/server/app-paths-manifest.json',
  '.next/static/chunks',
  'public/demo/engine/javascript.js',
  'public/demo/engine/prelude.js',
  'public/demo/engine/pyodide-lock.json',
  'public/demo/engine/pyodide.asm.wasm',
  'public/demo/engine/python.js',
  'public/demo/engine/python_stdlib.zip',
  'public/demo/engine/quickjs.wasm',
];
const DEADLINE_MS = 20 * 60_000;
const SHOWN_BYTES = 20_000;

/**
 * Builds the pages unless the build in `.next` is whole and of these sources; `force` builds in
 * any case.
 */
export async function ensureBuild({ force = false }: { force?: boolean } = {}): Promise<void> {
  if (!force && isBuilt(ROOT)) return;
  await exclusively(LOCK, 'building the pages', say, async (alsoHeldBy) => {
    if (!force && isBuilt(ROOT)) return;
    const sources = sourceFingerprint(ROOT);
    rmSync(join(ROOT, STAMP), { force: true });
    await ensureDemo();
    await build(alsoHeldBy);
    await finishBuild(ROOT);
    await run(projectNode(), PRECOMPILE_ARGUMENTS, { env: serverEnvironment() });
    writeStamp(ROOT, sources);
  });
}

async function build(alsoHeldBy: (pid: number) => void): Promise<void> {
  const report = progress('Building the pages (about a minute) …');
  const output: Buffer[] = [];
  const late = AbortSignal.timeout(DEADLINE_MS);
  const code = await run(projectNode(), [join(ROOT, 'node_modules', 'next', 'dist', 'bin', 'next'), 'build'], {
    env: projectEnvironment({ NODE_ENV: 'production', NEXT_TELEMETRY_DISABLED: '1' }),
    stdio: ['ignore', 'pipe', 'pipe'],
    onOutput: (chunk) => {
      output.push(chunk);
    },
    onSpawn: alsoHeldBy,
    giveUp: late,
  });
  report.end(code === 0 ? 'done' : 'stopped');
  if (code === 0) return;
  say(Buffer.concat(output).subarray(-SHOWN_BYTES).toString());
  throw new SetupError(
    late.aborted
      ? `The pages were not built after ${DEADLINE_MS / 60_000} minutes. What Next said is above.`
      : 'The pages could not be built. What Next said is above.',
  );
}

/** Makes what demo mode runs programs with in the browser (`public/demo/engine/`). */
export async function ensureDemo(): Promise<void> {
  if ((await run(projectNode(), [join(ROOT, 'scripts', 'demo.ts')], { env: projectEnvironment() })) !== 0)
    throw new SetupError('The engines of demo mode could not be made. What went wrong is above.');
}

/** Whether `root` has a whole build of its present sources. */
export function isBuilt(root: string): boolean {
  const stamp = readOr(join(root, STAMP));
  if (stamp === undefined || !PRODUCTS.every((name) => existsSync(join(root, name)))) return false;
  return stamp === stampText(root, sourceFingerprint(root));
}

/** Written last, and in one step: a build with a stamp is whole. */
export function writeStamp(root: string, sources: string): void {
  const missing = PRODUCTS.filter((name) => !existsSync(join(root, name)));
  if (missing.length > 0) throw new SetupError(`The build ended without ${missing.join(', ')}. Try again.`);
  const file = join(root, STAMP);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.new`, stampText(root, sources));
  renameSync(`${file}.new`, file);
}

/** The stamp names the build as well: `next build` by hand replaces the one without the other. */
function stampText(root: string, sources: string): string {
  return `${sources} ${readOr(join(root, '.next', 'BUILD_ID'))}`;
}

/**
 * Changes when the content of a file that goes into the build does, or a setting that is read at
 * build time. Times do not count: a checkout of another branch and back, or a copy, is no change.
 * Tests and what the build makes are left out.
 */
export function sourceFingerprint(root: string): string {
  const parts: (string | Buffer)[] = Object.entries(process.env)
    .filter(([name]) => name.startsWith('NEXT_PUBLIC_'))
    .sort()
    .map(([name, value]) => `${name}=${value}`);
  for (const source of SOURCES)
    for (const file of filesOf(join(root, source))) parts.push(relative(root, file), readFileSync(file));
  return hash(parts);
}

/**
 * Folders below the sources that are not built: what the build makes, and programs that only tests
 * run.
 */
const NOT_BUILT = [join('public', 'demo', 'engine'), join('lib', 'runner', 'attacks'), 'corpus'];

function filesOf(path: string): string[] {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return [];
  return found.isDirectory() ? filesBelow(path) : [path];
}

function filesBelow(folder: string): string[] {
  if (NOT_BUILT.some((name) => folder.endsWith(name))) return [];
  const entries = readdirSync(folder, { withFileTypes: true });
  return entries
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return filesBelow(path);
      return entry.isFile() && !/\.test\.tsx?$/.test(entry.name) ? [path] : [];
    });
}

function readOr(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    loadDotEnv();
    await ensureBuild({ force: true });
  } catch (error) {
    const complaint = error instanceof SetupError ? error.message : deniedComplaint(error);
    if (complaint === undefined) throw error;
    say(complaint);
    process.exitCode = 1;
  }
}
