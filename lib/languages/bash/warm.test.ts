import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { toScript, warmBash } from '#lib/languages/bash/warm';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'chill-space-bash-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('a warm Bash', () => {
  it('reads its message although the host has closed the pipe before it started', () => {
    const pipe = join(folder, 'input');
    const script = join(folder, 'warm.sh');
    execFileSync('mkfifo', [pipe]);
    writeFileSync(script, warmBash.script ?? '');
    const writer = openSync(pipe, constants.O_RDWR);
    const reader = openSync(pipe, constants.O_RDONLY);
    const toolchain = { binds: [], programs: { bash: '/bin/bash' } };
    const context = { toolchain, files: [], args: ['ä b'], memoryMb: 128 };
    const main = { name: 'main.sh', content: Buffer.from('printf "%s|" "$@"; cat\n') };
    writeSync(writer, toScript({ context, files: [main], artifact: undefined }));
    closeSync(writer);
    const { stdout, status } = spawnSync('bash', [script], {
      cwd: folder,
      input: 'stdin',
      encoding: 'utf8',
      timeout: 10_000,
      stdio: ['pipe', 'pipe', 'pipe', 'ignore', 'ignore', reader],
    });
    closeSync(reader);
    expect([status, stdout]).toEqual([0, 'ä b|stdin']);
  });
});
