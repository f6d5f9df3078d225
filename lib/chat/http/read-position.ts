import { eventNumber, MAX_EVENTS } from '#lib/chat/generation/event-numbers';
import type { ReadableRequest } from '#lib/chat/generation/request-view';

/** Where a reader continues. */
export interface ReadPosition {
  /** The number of the last event that it has. */
  readonly after: number;
  /** Whether the request has no further event for it. */
  readonly hasAll: boolean;
  /** Whether what it has is from before a restart or of a lost server, and all events follow. */
  readonly isRestarted: boolean;
}

/**
 * A number that this request never had means 0, unless another server may have written it. A shared
 * log without events is that of a server that begins again after one whose text was lost. Numbers
 * of another attempt than that of the log are of another text.
 */
export function readPosition(
  header: string | null,
  request: Pick<ReadableRequest, 'log' | 'eventOffset' | 'endOffset' | 'isShared'>,
): ReadPosition {
  const { log, eventOffset: offset, isShared } = request;
  const given = /^\d{1,15}$/.test(header ?? '') ? Number(header) : 0;
  if (log.ended && given > 0 && given === eventNumber(request, log.lastNumber))
    return { after: log.lastNumber, hasAll: true, isRestarted: false };
  const number = given - offset;
  const mayExist = isShared && log.lastNumber > 0 && number <= MAX_EVENTS;
  const isKnown = number > 0 && (number <= log.lastNumber || mayExist);
  // A restored result begins after the last event of its first life.
  const hadAll = log.ended && offset > 0 && number === 0;
  // What a lost server wrote in the place of the end, and behind it, is void.
  const after = log.ended ? Math.min(number, log.lastNumber - 1) : number;
  return {
    after: isKnown ? after : 0,
    hasAll: hadAll || (isKnown && !log.ended && number === log.lastNumber),
    isRestarted: given > 0 && !isKnown && (offset > 0 || isShared),
  };
}
