import { type SpawnOptions, spawn } from 'node:child_process';
import { closeSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Bind } from '#lib/languages/language';
import { anonymousReadOnlyFile, PipePool } from '#lib/runner/sandbox/anonymous-files';
import { type Execution, type ExitReport, PROGRAM, RESULT_DESCRIPTOR, type Sandbox } from '#lib/runner/sandbox/sandbox';
import { exitOf, hasExited, supervise } from '#lib/runner/sandbox/supervision';
import { ProcessTree } from '#lib/runner/sandbox/watchdog';

/**
 * No sandbox at all: programs run as the server's own user and can do whatever it can. Only for an operator who asked for
 * it (`SANDBOX=none`) and lets nobody else in. Time, memory and output are watched; nothing is contained.
 */
export class Unsandboxed implements Sandbox {
  readonly tier = 'none';
  readonly #pipes = new PipePool();

  async close(): Promise<void> {
    this.#pipes.close();
  }

  async run(job: Execution): Promise<ExitReport> {
    const directory = await mkdtemp(join(tmpdir(), `chill-space-run-${process.pid}-`));
    try {
      for (const { name, content } of job.files) {
        await mkdir(dirname(join(directory, name)), { recursive: true });
        await writeFile(join(directory, name), content);
      }
      const program = join(directory, '.program');
      if (job.program !== undefined) await writeFile(program, readFileSync(job.program), { mode: 0o755 });
      return await this.#supervise(job, directory, [...job.binds, { from: program, at: PROGRAM }]);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }

  async #supervise(job: Execution, directory: string, places: readonly Bind[]): Promise<ExitReport> {
    const stdout = this.#pipes.open();
    const stderr = this.#pipes.open();
    const result = job.onResult === undefined ? undefined : this.#pipes.open();
    const stdin = anonymousReadOnlyFile(job.stdin);
    const started = performance.now();
    const opened = [stdin, stdout.writer, stderr.writer];
    const stdio: (number | 'ignore')[] = [...opened];
    if (result !== undefined) {
      stdio[RESULT_DESCRIPTOR] = result.writer;
      opened.push(result.writer);
    }
    const env = Object.fromEntries(Object.entries(job.env).map(([name, value]) => [name, onHost(value, places)]));
    const environment = { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: directory, LANG: 'C.UTF-8', TZ: 'UTC', ...env };
    // A group of its own, so that the program's children can be ended with it.
    const options: SpawnOptions = { cwd: directory, detached: true, stdio };
    Object.assign(options, { env: environment });
    const [program = '', ...args] = job.argv.map((word) => onHost(word, places));
    const child = spawn(program, args, options);
    for (const fd of opened) closeSync(fd);
    const tree = child.pid === undefined ? undefined : new ProcessTree(child.pid, job.limits.memoryBytes);
    const killGroup = () => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      } catch {
        // Nobody is left in it.
      }
    };
    child.on('exit', killGroup);
    let trouble = '';
    const seen = await supervise(
      job,
      {
        exited: exitOf(child),
        isOver: () => hasExited(child),
        stdout,
        stderr,
        result,
        kill: killGroup,
        isOverMemory: () => tree?.look() === true,
      },
      started,
    ).catch((error: unknown) => {
      trouble = String(error);
      return undefined;
    });
    return {
      started: seen !== undefined,
      setupError: trouble,
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

/** Commands name the places inside a sandbox; without one, these are where they were bound from. */
function onHost(text: string, binds: readonly Bind[]): string {
  return binds.reduce((word, { from, at }) => (at === undefined ? word : word.replaceAll(at, from)), text);
}
