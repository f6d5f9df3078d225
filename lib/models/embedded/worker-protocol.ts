import type { ModelEvent, ModelRequest } from '#lib/models/provider';
import type { ErrorCode } from '#lib/wire/error';

/** What the server and the child that runs the built-in model say to each other. Types only: neither loads the other. */

/** The child's one argument, as JSON. */
export interface WorkerSettings {
  path: string;
  contextTokens: number;
  threads: number;
}

/** One request at a time: the server sends the next `chat` only after `ended`. */
export type WorkerCommand = { type: 'chat'; id: number; request: ModelRequest } | { type: 'stop'; id: number };

export type WorkerMessage =
  | { type: 'ready'; contextTokens: number }
  | { type: 'not_loaded'; reason: string }
  | { type: 'event'; id: number; event: ModelEvent }
  | { type: 'fault'; id: number; code: ErrorCode; message: string }
  /** The model is free again: after `done`, a fault or a stop. */
  | { type: 'ended'; id: number };
