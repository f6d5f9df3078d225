import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ensurePythonClients } from './python-clients.ts';

let cache: string;
let env: NodeJS.ProcessEnv;
/** What was to be installed. */
let asked: string[];
const install = async (packages: readonly string[]) => {
  asked.push(...packages);
  return false;
};

beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'python-clients-test-'));
  env = { NODE_ENV: 'test', XDG_CACHE_HOME: cache, PATH: '/nonexistent' };
  asked = [];
});

afterEach(async () => {
  await rm(cache, { recursive: true, force: true });
});

describe('the Python SDKs for the tests', () => {
  it('name what is missing, after it could not be installed', async () => {
    expect(await ensurePythonClients({ env, install })).toEqual({
      missing: 'No Python SDKs for the tests: Python 3.11 or newer with venv is missing.',
    });
    expect(asked).toEqual(['python3-venv']);
  });

  it('need neither Python nor a network once they are there', async () => {
    const requirements = await readFile(join(import.meta.dirname, '..', 'test', 'python', 'requirements.txt'));
    const version = createHash('sha256').update(requirements).digest('hex').slice(0, 12);
    const python = join(cache, 'chill-space', 'test', `python-${version}`, 'bin', 'python');
    await mkdir(join(python, '..'), { recursive: true });
    await writeFile(python, '');
    expect(await ensurePythonClients({ env, install })).toEqual({ python });
    expect(asked).toEqual([]);
  });

  it('have the reason of a failed installation in one line, and leave nothing behind', async () => {
    const broken = join(cache, 'bin');
    await mkdir(broken);
    // A Python that can do all but make an environment.
    await writeFile(join(broken, 'python3'), '#!/bin/sh\n[ "$1" = -c ] || { echo "no space left" >&2; exit 1; }\n', {
      mode: 0o755,
    });
    env.PATH = `${broken}:/usr/bin:/bin`;
    expect(await ensurePythonClients({ env, install })).toEqual({
      missing: 'No Python SDKs for the tests: they could not be installed (no space left).',
    });
  });
});
