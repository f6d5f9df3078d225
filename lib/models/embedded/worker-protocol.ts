import type { ModelEvent, ModelRequest } from '#lib/models/provider';
import type { Message } from '#lib/wire/chat';
import type { ErrorCode } from '#lib/wire/error';

/** Messages between the server and the worker. Types only, so neither loads the other. */

/** The worker's only argument, as JSON. */
export interface WorkerSettings {
  path: string;
  contextTokens: number;
  threads: number;
}

/** The server sends the next `chat` only after `ended`, and `count` at any time. */
export type WorkerCommand =
  | { type: 'chat'; id: number; request: ModelRequest }
  | { type: 'stop'; id: number }
  | { type: 'count'; id: number; messages: readonly Message[] };

export type WorkerMessage =
  | { type: 'ready'; contextTokens: number }
  | { type: 'not_loaded'; reason: string }
  | { type: 'event'; id: number; event: ModelEvent }
  | { type: 'fault'; id: number; code: ErrorCode; message: string }
  /** The number of tokens of a prompt; undefined after an error. */
  | { type: 'counted'; id: number; tokens: number | undefined }
  /** The worker can take the next request: after `done`, an error or a stop. */
  | { type: 'ended'; id: number };
