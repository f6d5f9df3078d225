import type { Readable } from 'node:stream';

/** What bubblewrap told about a sandbox. */
export interface BubblewrapStatus {
  /** Undefined where the program never ran. */
  exitCode: number | undefined;
  pidNamespace: number | undefined;
}

export interface StatusStream {
  /** Resolves when the sandbox's first process was reaped, and with it all the others, or when bubblewrap itself has ended. */
  reported: Promise<BubblewrapStatus>;
  /** Resolves when bubblewrap's monitor has ended, which holds the program's stdin, stdout and stderr until then. */
  closed: Promise<void>;
}

/** Follows the JSON lines of `--json-status-fd` to their end. */
export function readStatus(stream: Readable, onInit: (pid: number) => void): StatusStream {
  const closed = new Promise<void>((resolve) => {
    stream.on('close', () => resolve());
  });
  const reported = new Promise<BubblewrapStatus>((resolve) => {
    const report: BubblewrapStatus = { exitCode: undefined, pidNamespace: undefined };
    let text = '';
    stream.setEncoding('utf8');
    stream.on('data', (chunk: string) => {
      text += chunk;
      for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
        const line: unknown = JSON.parse(text.slice(0, end));
        text = text.slice(end + 1);
        const init = numberIn(line, 'child-pid');
        if (init !== undefined) onInit(init);
        report.exitCode ??= numberIn(line, 'exit-code');
        report.pidNamespace ??= numberIn(line, 'pid-namespace');
      }
      if (report.exitCode !== undefined) resolve(report);
    });
    stream.on('error', () => resolve(report));
    stream.on('close', () => resolve(report));
  });
  return { reported, closed };
}

function numberIn(line: unknown, name: string): number | undefined {
  if (typeof line !== 'object' || line === null) return undefined;
  const value: unknown = Reflect.get(line, name);
  return typeof value === 'number' ? value : undefined;
}
