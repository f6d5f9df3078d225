import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

/**
 * A real Ollama for the tests, built from its Go module where the machine has none. Needs Go and a
 * C++ compiler, and takes some minutes the first time; the binary is kept in
 * ~/.cache/chill-space/bin.
 *
 * Go leaves folders called `vendor` out of a module's archive, and with them three headers that
 * Ollama's copy of llama.cpp includes (nlohmann/json, miniaudio, stb_image). The npm package
 * llama.rn ships the same headers in its C++ sources.
 */

interface EnsureOptions {
  log?: (line: string) => void;
  env?: NodeJS.ProcessEnv;
}

const run = promisify(execFile);

export const OLLAMA_VERSION = '0.24.0';
const HEADERS_PACKAGE = 'llama.rn@0.12.9';
const HEADERS = ['package/cpp/nlohmann', 'package/cpp/tools/mtmd/miniaudio', 'package/cpp/tools/mtmd/stb'];
const BUILD_TIMEOUT_MS = 45 * 60 * 1000;
const OUTPUT_BYTES = 64 * 1024 * 1024;

/**
 * Resolves to the binary's path, or to undefined after it has logged what is missing to build one.
 */
export async function ensureOllama({
  log = () => {},
  env = process.env,
}: EnsureOptions = {}): Promise<string | undefined> {
  const folder = join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'chill-space', 'bin');
  const binary = join(folder, `ollama-${OLLAMA_VERSION}`);
  if ((await stat(binary).catch(() => undefined))?.isFile()) return binary;
  const missing: string[] = [];
  if (!(await works('go', ['version']))) missing.push('Go');
  if (!(await works(env.CXX || 'c++', ['--version']))) missing.push('a C++ compiler');
  if (missing.length > 0) {
    log(
      `No real Ollama for the tests: ${missing.join(' and ')} to build it with ${missing.length > 1 ? 'are' : 'is'} missing.`,
    );
    return undefined;
  }
  log(`Building Ollama ${OLLAMA_VERSION} for the tests; this takes some minutes, once …`);
  const work = await mkdtemp(join(tmpdir(), 'chill-space-ollama-'));
  try {
    await run('npm', ['pack', '--silent', '--pack-destination', work, HEADERS_PACKAGE], { cwd: work });
    await run('tar', ['xzf', `${HEADERS_PACKAGE.replace('@', '-')}.tgz`, ...HEADERS], { cwd: work });
    // Only folders of headers are on the path, so that no source of that package takes the place
    // of Ollama's own.
    await mkdir(join(work, 'include'));
    for (const path of HEADERS) await rename(join(work, path), join(work, 'include', basename(path)));
    await run('go', ['install', '-ldflags', '-s -w', `github.com/ollama/ollama@v${OLLAMA_VERSION}`], {
      cwd: work,
      timeout: BUILD_TIMEOUT_MS,
      maxBuffer: OUTPUT_BYTES,
      env: {
        ...env,
        GOBIN: work,
        CGO_ENABLED: '1',
        CGO_CPPFLAGS: `-I${join(work, 'include')}`,
        CGO_CFLAGS: '-O3 -g0',
        CGO_CXXFLAGS: '-O3 -g0',
      },
    });
    await mkdir(folder, { recursive: true });
    const own = `${binary}.${process.pid}`;
    // A rename across file systems is a copy; the last step is on one.
    await run('cp', [join(work, 'ollama'), own]);
    await chmod(own, 0o755);
    await rename(own, binary);
    return binary;
  } catch (error) {
    const last = complaintOf(error).trim().split('\n').slice(-5).join('\n');
    log(`No real Ollama for the tests: it could not be built.\n${last}`);
    return undefined;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function works(command: string, args: readonly string[]): Promise<boolean> {
  try {
    await run(command, args);
    return true;
  } catch {
    return false;
  }
}

/** What a program that failed wrote to standard error, or else the error's message. */
function complaintOf(error: unknown): string {
  const { stderr, message } = error as { stderr?: string; message?: string };
  return stderr || message || String(error);
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const path = await ensureOllama({ log: (line) => console.error(line) });
  if (path === undefined) process.exitCode = 1;
  else console.log(path);
}
