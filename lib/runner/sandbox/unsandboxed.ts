import { type SpawnOptions, spawn } from 'node:child_process';
import { closeSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Bind } from '#lib/languages/language';
import { PROGRAM, RESULT_DESCRIPTOR } from '#lib/languages/sandbox-interface';
import { anonymousReadOnlyFile } from '#lib/runner/sandbox/anonymous-files';
import { PipePool } from '#lib/runner/sandbox/pipe-pool';
import type { Execution, ExitReport, Sandbox } from '#lib/runner/sandbox/sandbox';
import { exitOf, hasExited, supervise } from '#lib/runner/sandbox/supervision';
import { ProcessTree } from '#lib/runner/sandbox/watchdog';

/**
 * No sandbox: programs run as the server's user, with all its rights. Only for an operator who
 * sets `SANDBOX=none` and admits no other users. Time, memory and output are limited; nothing is
 * contained.
 */
export class Unsandboxed implements Sandbox {
  readonly tier = 'none';
  readonly #pipes = new PipePool();

  async close(): Promise<void> {
    this.#pipes.close();
  }

  async run(execution: Execution): Promise<ExitReport> {
    const { files, program, binds } = execution;
    const directory = await mkdtemp(join(tmpdir(), `chill-space-run-${process.pid}-`));
    try {
      for (const { name, content } of files) {
        await mkdir(dirname(join(directory, name)), { recursive: true });
        await writeFile(join(directory, name), content);
      }
      const path = join(directory, '.program');
      if (program !== undefined) {
        const content = typeof program === 'number' ? readFileSync(program) : program;
        await writeFile(path, content, { mode: 0o755 });
      }
      return await this.#supervise(execution, directory, [...binds, { from: path, at: PROGRAM }]);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }

  async #supervise(execution: Execution, directory: string, places: readonly Bind[]): Promise<ExitReport> {
    const stdout = this.#pipes.open();
    const stderr = this.#pipes.open();
    const result = execution.onResult === undefined ? undefined : this.#pipes.open();
    const stdin = anonymousReadOnlyFile(execution.stdin);
    const startedAt = performance.now();
    const opened = [stdin, stdout.writer, stderr.writer];
    const stdio: (number | 'ignore')[] = [...opened];
    if (result !== undefined) {
      stdio[RESULT_DESCRIPTOR] = result.writer;
      opened.push(result.writer);
    }
    const env = Object.fromEntries(
      Object.entries(execution.env).map(([name, value]) => [name, toHostPaths(value, places)]),
    );
    const environment = { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: directory, LANG: 'C.UTF-8', TZ: 'UTC', ...env };
    // A process group apart, which is killed with the program.
    const options: SpawnOptions = { cwd: directory, detached: true, stdio };
    Object.assign(options, { env: environment });
    const [executable = '', ...args] = execution.argv.map((word) => toHostPaths(word, places));
    const child = spawn(executable, args, options);
    for (const fd of opened) closeSync(fd);
    const tree = child.pid === undefined ? undefined : new ProcessTree(child.pid, execution.limits.memoryBytes);
    const killGroup = () => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      } catch {
        // The group is empty.
      }
    };
    child.on('exit', killGroup);
    const running = {
      exited: exitOf(child),
      isOver: () => hasExited(child),
      ...{ stdout, stderr, result },
      kill: killGroup,
      isOverMemory: () => tree?.sample() === true,
    };
    let setupError = '';
    const seen = await supervise(execution, running, startedAt).catch((error: unknown) => {
      setupError = String(error);
      return undefined;
    });
    return {
      started: seen !== undefined,
      setupError,
      exitCode: seen?.code ?? -1,
      stopReason: seen?.stopReason,
      outOfMemory: seen?.stopReason === 'memory',
      wallMs: seen?.wallMs ?? 0,
      cpuMs: tree?.cpuMs ?? 0,
      peakMemoryBytes: tree?.peakMemoryBytes ?? 0,
      pidNamespace: undefined,
    };
  }
}

/** Replaces paths inside a sandbox by the host paths that would be bound there. */
function toHostPaths(text: string, binds: readonly Bind[]): string {
  return binds.reduce((word, { from, at }) => (at === undefined ? word : word.replaceAll(at, from)), text);
}
