import type { ModelEvent, ModelRequest } from '#lib/models/provider';
import type { Message } from '#lib/wire/chat';
import type { ErrorCode } from '#lib/wire/error';

/**
 * Messages of the topic `model` between a server of WORKERS and its supervisor, which has the one
 * built-in model of all. Types only: both ends are this program.
 */

export type RelayCommand =
  | { type: 'chat'; id: number; request: ModelRequest }
  | { type: 'count'; id: number; messages: readonly Message[] }
  | { type: 'load'; id: number }
  /** The caller of a command has left. */
  | { type: 'stop'; id: number }
  /** Asks for `state`. */
  | { type: 'hello' };

export type RelayReply =
  | { type: 'event'; id: number; event: ModelEvent }
  /** The last message of a command, with the tokens that were counted. */
  | { type: 'ended'; id: number; tokens?: number | undefined }
  | { type: 'failed'; id: number; code: ErrorCode; message: string }
  /** Sent at each change. */
  | { type: 'state'; loaded: boolean };
