import type { Readable } from 'node:stream';

/** What bubblewrap reports about a sandbox. */
export interface BubblewrapStatus {
  /** Undefined if the program never ran. */
  exitCode: number | undefined;
  pidNamespace: number | undefined;
}

export interface StatusStream {
  /**
   * Resolves when the first process of the sandbox was reaped, and all others with it, or when
   * bubblewrap itself has ended.
   */
  reported: Promise<BubblewrapStatus>;
  /** Resolves when bubblewrap's monitor has ended, which holds the program's stdio until then. */
  closed: Promise<void>;
}

/**
 * Reads the JSON lines of `--json-status-fd` to their end. `onInit` gets the first process's id.
 */
export function readStatus(stream: Readable, onInit: (pid: number) => void): StatusStream {
  const closed = new Promise<void>((resolve) => {
    stream.on('close', () => resolve());
  });
  const reported = new Promise<BubblewrapStatus>((resolve) => {
    const status: BubblewrapStatus = { exitCode: undefined, pidNamespace: undefined };
    let text = '';
    stream.setEncoding('utf8');
    stream.on('data', (chunk: string) => {
      text += chunk;
      for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
        const line: unknown = JSON.parse(text.slice(0, end));
        text = text.slice(end + 1);
        const init = numberIn(line, 'child-pid');
        if (init !== undefined) onInit(init);
        status.exitCode ??= numberIn(line, 'exit-code');
        status.pidNamespace ??= numberIn(line, 'pid-namespace');
      }
      if (status.exitCode !== undefined) resolve(status);
    });
    stream.on('error', () => resolve(status));
    stream.on('close', () => resolve(status));
  });
  return { reported, closed };
}

function numberIn(line: unknown, name: string): number | undefined {
  if (typeof line !== 'object' || line === null) return undefined;
  const value: unknown = Reflect.get(line, name);
  return typeof value === 'number' ? value : undefined;
}
