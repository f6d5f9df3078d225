import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { findMachine } from '#lib/runner/sandbox/probe/probe-machine';

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

async function bubblewrapThat(content: string, mode: number): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'chill-space-bwrap-'));
  folders.push(folder);
  const path = join(folder, 'bwrap');
  await writeFile(path, content, { mode });
  return path;
}

describe('a bubblewrap that is installed', () => {
  it.each([
    ['cannot be executed', '#!/bin/sh\n', 0o644],
    ['is no program', 'not a program', 0o755],
    ['fails', '#!/bin/sh\nexit 1\n', 0o755],
  ])('but %s gets a sentence that names it', async (_how, content, mode) => {
    const path = await bubblewrapThat(content, mode);
    const { machine, reason } = { reason: '', ...(await findMachine(process.cwd(), undefined, [path])) };
    expect(machine).toBeUndefined();
    expect(reason).toContain(path);
    expect(reason).toMatch(/^Code cannot be run here: .*install bubblewrap again\.$/);
  });

  it('but is too old gets a sentence that names what it lacks', async () => {
    const path = await bubblewrapThat('#!/bin/sh\necho --seccomp --size --perms\n', 0o755);
    expect(await findMachine(process.cwd(), undefined, [path])).toMatchObject({
      reason: expect.stringContaining('--disable-userns, --json-status-fd'),
    });
  });
});
