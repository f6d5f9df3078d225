import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PRECOMPILED } from '#lib/languages/cpp/precompiled-headers';
import { cpp } from '#lib/languages/cpp/runner';
import type { Toolchain } from '#lib/languages/language';
import { shellQuote } from '#lib/runner/sandbox/bubblewrap/arguments';
import { probe } from '#lib/runner/sandbox/probe/probe';
import type { Sandbox } from '#lib/runner/sandbox/sandbox';
import { Toolchains } from '#lib/runner/toolchains';

const PREPARATION_MS = 600_000;
const MB = 1024 * 1024;
const LIMITS = {
  wallMs: 30_000,
  cpuSeconds: 60,
  memoryBytes: 1024 * MB,
  processes: 64,
  diskBytes: 64 * MB,
  openFiles: 256,
  dataBytes: 16 * 1024 * MB,
  outputBytes: MB,
};
let sandbox: Sandbox;
let toolchain: Toolchain;

beforeAll(async () => {
  const probed = await probe('auto', process.cwd());
  if (probed.sandbox === undefined) throw new Error(probed.reason);
  sandbox = probed.sandbox;
  const toolchains = new Toolchains(sandbox, [cpp]);
  await toolchains.settled();
  toolchain = await toolchains.require(cpp);
}, PREPARATION_MS);
afterAll(() => sandbox.close());

describe('precompiled headers', () => {
  it.each(PRECOMPILED.map((headers) => [headers]))('are used by the compiler: %j', async (headers) => {
    const text = `${headers.map((header) => `#include <${header}>\n`).join('')}int main() { std::cout << 1; }\n`;
    const files = [{ name: 'main.cpp', text }];
    const [step = []] = cpp.compile?.({ toolchain, files, args: [], memoryMb: 128 }).steps ?? [];
    let stderr = '';
    const ended = await sandbox.run({
      // `-H` names each header that is read, `!` before one that was compiled beforehand, `x`
      // before one that does not fit.
      argv: [...step, '-H'],
      env: {},
      binds: toolchain.binds,
      files: [{ name: 'main.cpp', content: Buffer.from(text) }],
      stdin: new Uint8Array(),
      limits: LIMITS,
      onStdout: () => true,
      onStderr: (chunk) => {
        stderr += chunk.toString();
        return true;
      },
    });
    expect(ended.exitCode).toBe(0);
    expect(stderr).toMatch(/^! \/opt\/prepared\/[\w-]+\.h\.gch$/m);
    expect(stderr).not.toMatch(/^x /m);
    // The program's own includes find that they were seen: the library's insides are not read
    // again.
    expect(stderr).not.toMatch(/^\.+ .*\/bits\/(?:stl_|basic_|ios|ostream)/m);
  });
});

describe('a program that crashes', () => {
  it.each([
    ['prepared', true],
    ['compiled with the program', false],
  ])('writes its last line, with the output objects %s', async (_name, isPrepared) => {
    const text =
      '#include <cstdio>\n#include <cstdlib>\n#include <iostream>\nint main() { std::ios_base::sync_with_stdio(false); std::cout << "line\\n" << "rest"; std::printf("C"); std::abort(); }\n';
    const { prepared: _, ...programs } = toolchain.programs;
    const used = isPrepared ? toolchain : { ...toolchain, programs };
    const { steps = [] } =
      cpp.compile?.({ toolchain: used, files: [{ name: 'main.cpp', text }], args: [], memoryMb: 128 }) ?? {};
    let written = '';
    let stderr = '';
    const ended = await sandbox.run({
      argv: ['/bin/sh', '-c', [...steps.map((step) => step.map(shellQuote).join(' ')), 'exec ./program'].join(' && ')],
      env: { PATH: '/usr/bin:/bin' },
      binds: toolchain.binds,
      files: [{ name: 'main.cpp', content: Buffer.from(text) }],
      stdin: new Uint8Array(),
      limits: LIMITS,
      onStdout: (chunk) => {
        written += chunk.toString();
        return true;
      },
      onStderr: (chunk) => {
        stderr += chunk.toString();
        return true;
      },
    });
    expect({ written, stderr, exitCode: ended.exitCode }).toEqual({
      written: 'line\nCrest',
      stderr: '',
      exitCode: 134,
    });
  });
});
