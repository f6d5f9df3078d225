import type { Readable } from 'node:stream';

/** What bubblewrap told about a sandbox. */
export interface Report {
  /** Undefined where the program never ran. */
  exitCode: number | undefined;
  pidNamespace: number | undefined;
}

/** Follows the JSON lines of `--json-status-fd` to their end. */
export function readStatus(stream: Readable, onInit: (pid: number) => void): Promise<Report> {
  return new Promise((resolve) => {
    const report: Report = { exitCode: undefined, pidNamespace: undefined };
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
    });
    stream.on('error', () => resolve(report));
    stream.on('close', () => resolve(report));
  });
}

function numberIn(line: unknown, name: string): number | undefined {
  if (typeof line !== 'object' || line === null) return undefined;
  const value: unknown = Reflect.get(line, name);
  return typeof value === 'number' ? value : undefined;
}
