import { isRecord } from '#lib/browser/type-guards';

/** Messages between the page and a demo worker. */

export interface DemoFile {
  name: string;
  content: string;
}

/** Page to worker, once. The main file is the first. */
export interface DemoProgram {
  files: readonly DemoFile[];
  stdin: string;
  args: readonly string[];
}

export type DemoStatus = 'success' | 'runtime_error' | 'memory_limit' | 'output_limit';

/** Worker to page. */
export type DemoMessage =
  /** The engine has started and accepts the program. */
  | { type: 'ready' }
  | { type: 'output'; stream: 'stdout' | 'stderr'; text: string }
  | { type: 'end'; status: DemoStatus; exitCode: number }
  /** The engine has failed. */
  | { type: 'broken'; message: string };

/** The runner's output limit per stream (docs/contract.md#limits). */
export const DEMO_OUTPUT_BYTES = 100_000;
export const DEMO_MEMORY_BYTES = 128 * 1024 * 1024;

const STATUSES: readonly DemoStatus[] = ['success', 'runtime_error', 'memory_limit', 'output_limit'];

/** Validates a message: a worker's messages are controlled by the program. Pure. */
export function readDemoMessage(value: unknown): DemoMessage | undefined {
  if (!isRecord(value)) return undefined;
  const { type, stream, text, exitCode, message } = value;
  if (type === 'ready') return { type };
  if (type === 'output' && (stream === 'stdout' || stream === 'stderr') && typeof text === 'string')
    return { type, stream, text };
  const status = STATUSES.find((known) => known === value.status);
  if (type === 'end' && status !== undefined && typeof exitCode === 'number') return { type, status, exitCode };
  if (type === 'broken' && typeof message === 'string') return { type, message };
  return undefined;
}
