/** What the main thread and the worker thread of the SQLite engine send each other. */

export interface WorkerOptions {
  file: string;
}

export type WorkerTask = { id: number } & (
  | { kind: 'report'; sql: string; parameters: readonly unknown[] }
  | { kind: 'checkpoint' }
  | { kind: 'check' }
);

export type WorkerReply = { id: number; rows: unknown[] } | { id: number; error: string; errcode: number | undefined };

export function isWorkerOptions(value: unknown): value is WorkerOptions {
  return typeof value === 'object' && value !== null && 'file' in value && typeof value.file === 'string';
}
