import type { AppError } from '#lib/errors';
import type { Durations } from '#lib/models/provider';
import type { TokenLogprob, TokenUsage, ToolCall } from '#lib/wire/chat';
import type { ShareStatus } from '#lib/wire/limits';

/** What a reader of a response gets: the events of its log, and the states of its request. */
export type GenerationEvent =
  | QueueStatusEvent
  | { readonly type: 'thinking'; readonly text: string }
  | { readonly type: 'content'; readonly text: string }
  | { readonly type: 'tool_calls'; readonly tool_calls: ToolCall[] }
  | { readonly type: 'logprobs'; readonly logprobs: TokenLogprob[] }
  | {
      readonly type: 'done';
      readonly done_reason: string;
      readonly usage: TokenUsage;
      /** Present if the model server measured them. */
      readonly durations?: Durations | undefined;
      /** Present if the model server returned it. */
      readonly context?: readonly number[] | undefined;
      /** The stop sequence that ended the text, where the model server reports it. */
      readonly stop_sequence?: string | undefined;
    }
  | { readonly type: 'error'; readonly error: AppError };

/** The events of a log, in order. It ends with exactly one `done` or `error`. */
export type LogEvent = Exclude<GenerationEvent, QueueStatusEvent>;

/** Where an unfinished request stands. It is no event of the log, and has no number. */
export interface QueueStatusEvent {
  readonly type: 'status';
  readonly status: 'queued' | 'processing';
  readonly queue_position: number;
  readonly queue_length: number;
  /** Milliseconds. */
  readonly estimated_wait_time: number;
  /** The name of the model server that it waits for, if there are several. */
  readonly model_server?: string | undefined;
  /** Of the caller that the generation is for, if that is above its share. */
  readonly share?: ShareStatus | undefined;
  /**
   * Whether this server has lost the way to the one that works on it, or whose line it waits in;
   * false once after it is back.
   */
  readonly connection_lost?: boolean | undefined;
}
