import { type ChildProcess, spawn } from 'node:child_process';

export interface StartedScript {
  /** Everything that it wrote so far, on both streams. */
  output: () => string;
  ended: Promise<number | null>;
  /** Resolves when `url` responds. Throws with all output if the script ends before. */
  whenServing: (url: string) => Promise<void>;
  kill: (signal: NodeJS.Signals) => void;
  stop: () => Promise<void>;
}

/** Runs a script with its arguments in the folder `cwd`; `npm` as its first word is npm itself. */
export function startScript(words: readonly string[], cwd: string, settings: Record<string, string>): StartedScript {
  const { VITEST: _vitest, NODE_OPTIONS: _options, NODE_ENV: _mode, ...inherited } = process.env;
  const [command, args] = words[0] === 'npm' ? ['npm', words.slice(1)] : [process.execPath, words];
  const child: ChildProcess = spawn(command, args, {
    cwd,
    env: { ...inherited, ...settings } as NodeJS.ProcessEnv,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  const add = (chunk: Buffer) => {
    text += chunk;
  };
  child.stdout?.on('data', add);
  child.stderr?.on('data', add);
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  return {
    output: () => text,
    ended,
    whenServing: async (url) => {
      for (let over = false; !over; ) {
        over = await Promise.race([ended.then(() => true), new Promise<false>((next) => setTimeout(next, 100, false))]);
        // It does not listen yet, or has ended: the next turn of the loop sees which.
        const health = await fetch(url, { signal: AbortSignal.timeout(30_000) }).catch(() => undefined);
        await health?.body?.cancel();
        if (health?.ok === true) return;
      }
      throw new Error(`it ended before it answered:\n${text}`);
    },
    kill: (signal) => void child.kill(signal),
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}
