import { ApiError } from '#lib/browser/api-client';
import type { ResponseStream } from './chat-api.ts';
import type { ChatEffects, FollowOptions } from './chat-state.ts';
import { type AssistantMessage, isRunning } from './conversation.ts';
import { applyEvent, resetForReplay, withCacheHeader } from './message-reducer.ts';
import { reconnectDelayMs, SHUTTING_DOWN } from './reconnect.ts';
import { describeFailure, markFailed } from './response-states.ts';
import { CONNECTION_STRINGS } from './strings/connection.ts';

/** Shorter interruptions do not show. */
const LOST_AFTER_MS = 1_000;

/**
 * Reads a response to its end and reconnects when the connection breaks. `openFirst` opens the
 * first connection; without it an interrupted response is resumed. Never throws.
 */
export async function followResponse(
  initial: AssistantMessage,
  openFirst: ((signal: AbortSignal) => Promise<ResponseStream>) | undefined,
  options: FollowOptions,
): Promise<void> {
  const loss = lossReport(options.effects, options.onConnection);
  try {
    await follow(initial, openFirst, options, loss);
  } finally {
    loss.end();
  }
}

async function follow(
  initial: AssistantMessage,
  openFirst: ((signal: AbortSignal) => Promise<ResponseStream>) | undefined,
  { effects, signal, update }: FollowOptions,
  loss: ReturnType<typeof lossReport>,
): Promise<void> {
  let message = initial;
  let shown = initial;
  let open = openFirst ?? (() => reopen(initial, effects, signal));
  let resuming = openFirst === undefined;
  let accepted = resuming;
  let stop: ApiError | undefined;
  for (let attempt = 0; ; ) {
    try {
      const stream = await open(signal);
      if (signal.aborted) return;
      accepted = true;
      loss.end();
      const shownLength = textLength(shown);
      message = withCacheHeader(
        resuming && message.lastEventId === undefined ? resetForReplay(message) : message,
        stream.cache,
      );
      for await (const { event, id } of stream.events) {
        if (signal.aborted) return;
        if (event.done && event.code === SHUTTING_DOWN) {
          if (event.request_id !== undefined) message = { ...message, requestId: event.request_id };
          stop = new ApiError(event.error ?? '', 0, SHUTTING_DOWN);
          throw stop;
        }
        attempt = 0;
        message = applyEvent(message, event, effects.now());
        if (id !== undefined) message = { ...message, lastEventId: id };
        // A replayed stream shows nothing until it has passed the text that is already shown.
        if (isRunning(message) && textLength(message) < shownLength) continue;
        shown = message;
        update(message);
      }
      return;
    } catch (error) {
      if (signal.aborted) return;
      const delay = reconnectDelayMs(error, attempt, accepted);
      if (delay === undefined) {
        // It ended with its server: the text stays, and the model can go on with it.
        const cause = stop !== undefined && isExpired(error) ? stop : error;
        // A replay that broke off has less.
        const fullest = textLength(message) < textLength(shown) ? shown : message;
        update(markFailed(fullest, describeFailure(cause), effects.now()));
        return;
      }
      loss.begin();
      // A pause rejects when it is aborted, which is checked below.
      await effects.pause(delay, signal).catch(() => undefined);
      // Without a network attempts are free: a tunnel is longer than a minute.
      if (await effects.online(signal)) attempt += 1;
      if (signal.aborted) return;
      const interrupted = message;
      resuming = true;
      open = () => reopen(interrupted, effects, signal);
    }
  }
}

function lossReport({ pause }: Pick<ChatEffects, 'pause'>, onConnection: FollowOptions['onConnection']) {
  let waiting: AbortController | undefined;
  let isShown = false;
  return {
    begin() {
      if (waiting !== undefined || onConnection === undefined) return;
      waiting = new AbortController();
      const { signal } = waiting;
      void pause(LOST_AFTER_MS, signal).then(() => {
        if (signal.aborted) return;
        isShown = true;
        onConnection(true);
      });
    },
    end() {
      waiting?.abort();
      waiting = undefined;
      if (isShown) onConnection?.(false);
      isShown = false;
    },
  };
}

const textLength = ({ content, thinking }: AssistantMessage) => content.length + thinking.length;

async function reopen(
  { requestId, lastEventId }: AssistantMessage,
  effects: Pick<ChatEffects, 'resume'>,
  signal: AbortSignal,
): Promise<ResponseStream> {
  if (requestId === undefined) throw streamExpired();
  try {
    return await effects.resume(requestId, lastEventId, signal);
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) throw streamExpired();
    throw error;
  }
}

/** The code of a response that the server no longer has. */
export const STREAM_EXPIRED = 'interrupted';

const isExpired = (error: unknown) => error instanceof ApiError && error.code === STREAM_EXPIRED;

const streamExpired = () => new ApiError(CONNECTION_STRINGS.interrupted, 0, STREAM_EXPIRED);
