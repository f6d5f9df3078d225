import type { GenerationLog } from '#lib/chat/generation/generation-log';

/** More events than a response has. */
export const MAX_EVENTS = 2 ** 19;
const EVENTS_PER_ATTEMPT = 2 * MAX_EVENTS;

/**
 * The offset of a run that a server does by itself, since it does not reach the others: one of them
 * may do it too, as its first attempt, and no reader takes one text for the other. The attempts
 * after the first have higher numbers.
 */
export const ALONE_OFFSET = MAX_EVENTS;

/** What is added to the places of events in their log for the numbers that clients see. */
export interface EventOffsets {
  readonly log: Pick<GenerationLog, 'lastNumber' | 'ended'>;
  readonly eventOffset: number;
  /** For the last event of an ended log, which a later attempt than that of the text may write. */
  readonly endOffset: number;
}

/**
 * The offset of an attempt, counted from 1. Where several servers share a queue, a run may begin
 * again at another one: its numbers are above all that a client may have of the attempt before.
 */
export function attemptOffset(attempt: number): number {
  return (attempt - 1) * EVENTS_PER_ATTEMPT;
}

/** The number that clients see of the event in this place of its log, from 1. */
export function eventNumber({ log, eventOffset, endOffset }: EventOffsets, place: number): number {
  return place + (log.ended && place === log.lastNumber ? endOffset : eventOffset);
}
