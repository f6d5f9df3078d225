import { ApiError } from '#lib/browser/api-client';
import type { ResponseStream } from './chat-api.ts';
import type { ChatEffects } from './chat-state.ts';
import { type AssistantMessage, isRunning, type ResponseFailure } from './conversation.ts';
import { applyEvent, markFailed, resetForReplay, withCacheHeader } from './message-reducer.ts';
import { reconnectDelayMs } from './reconnect.ts';

interface FollowOptions {
  effects: Pick<ChatEffects, 'resume' | 'now' | 'pause'>;
  signal: AbortSignal;
  /** Receives each new state of the response, until `signal` aborts. */
  update: (message: AssistantMessage) => void;
}

/**
 * Reads a response to its end and reconnects when the connection breaks. `openFirst` opens the
 * first connection; without it an interrupted response is resumed. Never throws.
 */
export async function followResponse(
  initial: AssistantMessage,
  openFirst: ((signal: AbortSignal) => Promise<ResponseStream>) | undefined,
  { effects, signal, update }: FollowOptions,
): Promise<void> {
  let message = initial;
  let open = openFirst ?? (() => reopen(initial, effects, signal));
  let resuming = openFirst === undefined;
  let accepted = resuming;
  for (let attempt = 0; ; ) {
    try {
      const stream = await open(signal);
      if (signal.aborted) return;
      accepted = true;
      const shownLength = textLength(message);
      message = withCacheHeader(
        resuming && message.lastEventId === undefined ? resetForReplay(message) : message,
        stream.cache,
      );
      for await (const { event, id } of stream.events) {
        if (signal.aborted) return;
        attempt = 0;
        message = applyEvent(message, event, effects.now());
        if (id !== undefined) message = { ...message, lastEventId: id };
        // A replayed stream shows nothing until it has passed the text that is already shown.
        if (!isRunning(message) || textLength(message) >= shownLength) update(message);
      }
      return;
    } catch (error) {
      if (signal.aborted) return;
      const delay = reconnectDelayMs(error, attempt, accepted);
      if (delay === undefined) {
        update(markFailed(message, describeFailure(error), effects.now()));
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
): Pick<ResponseFailure, 'message' | 'code'> & { retryAfterSeconds?: number | undefined } {
  if (error instanceof ApiError) return error;
  return { message: 'The page could not read the answer. Reload it, then ask again.', code: 'internal_error' };
}

const textLength = ({ content, thinking }: AssistantMessage) => content.length + thinking.length;

async function reopen(
  { requestId, lastEventId }: AssistantMessage,
  effects: Pick<ChatEffects, 'resume'>,
  signal: AbortSignal,
): Promise<ResponseStream> {
  if (requestId === undefined) throw streamExpired('interrupted');
  try {
    return await effects.resume(requestId, lastEventId, signal);
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) throw streamExpired(error.code);
    throw error;
  }
}

const streamExpired = (code: string) =>
  new ApiError('The answer broke off, and the server has no more of it. Ask again to get all of it.', 0, code);
