import { applyEvent, failed, rewound, withCacheHeader } from '#lib/client/answer';
import type { AnswerStream } from '#lib/client/chat-api';
import type { ChatEffects } from '#lib/client/chat-state';
import { type AssistantMessage, type Failure, isRunning } from '#lib/client/conversation';
import { reconnectDelayMs } from '#lib/client/reconnect';
import { ApiError } from '#lib/client/request';

interface Following {
  effects: Pick<ChatEffects, 'resume' | 'now' | 'pause'>;
  signal: AbortSignal;
  /** Each new form of the answer. Not called any more once `signal` aborted. */
  update: (message: AssistantMessage) => void;
}

/**
 * Reads one answer to its end, over as many connections as it takes: `first` opens the first of them; without it, the
 * answer is one that was on its way when the page was left. Resolves when nothing more comes; never throws.
 */
export async function followAnswer(
  begun: AssistantMessage,
  first: ((signal: AbortSignal) => Promise<AnswerStream>) | undefined,
  { effects, signal, update }: Following,
): Promise<void> {
  let message = begun;
  let open = first ?? (() => reopen(begun, effects, signal));
  let resuming = first === undefined;
  let accepted = resuming;
  for (let attempt = 0; ; ) {
    try {
      const stream = await open(signal);
      if (signal.aborted) return;
      accepted = true;
      const reached = lengthOf(message);
      message = withCacheHeader(
        resuming && message.lastEventId === undefined ? rewound(message) : message,
        stream.cache,
      );
      for await (const { event, id } of stream.events) {
        if (signal.aborted) return;
        attempt = 0;
        message = applyEvent(message, event, effects.now());
        if (id !== undefined) message = { ...message, lastEventId: id };
        // A stream that is read from its beginning again shows nothing until it has passed what is already there.
        if (!isRunning(message) || lengthOf(message) >= reached) update(message);
      }
      return;
    } catch (error) {
      if (signal.aborted) return;
      const delay = reconnectDelayMs(error, attempt, accepted);
      if (delay === undefined) {
        update(failed(message, describeFailure(error), effects.now()));
        return;
      }
      attempt += 1;
      await effects.pause(delay, signal).catch(() => undefined);
      if (signal.aborted) return;
      const interrupted = message;
      resuming = true;
      open = () => reopen(interrupted, effects, signal);
    }
  }
}

export function describeFailure(
  error: unknown,
): Pick<Failure, 'message' | 'code'> & { retryAfterSeconds?: number | undefined } {
  if (error instanceof ApiError) return error;
  return { message: 'The page could not read the answer. Reload it, then ask again.', code: 'internal_error' };
}

const lengthOf = ({ content, thinking }: AssistantMessage) => content.length + thinking.length;

async function reopen(
  { requestId, lastEventId }: AssistantMessage,
  effects: Pick<ChatEffects, 'resume'>,
  signal: AbortSignal,
): Promise<AnswerStream> {
  if (requestId === undefined) throw forgotten('interrupted');
  try {
    return await effects.resume(requestId, lastEventId, signal);
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) throw forgotten(error.code);
    throw error;
  }
}

const forgotten = (code: string) =>
  new ApiError('The answer broke off, and the server has no more of it. Ask again to get all of it.', 0, code);
