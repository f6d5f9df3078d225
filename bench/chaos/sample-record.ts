/** Records for tests: a request that got its whole response, unless `some` says otherwise. */
import { type RequestRecord, wordOf } from './outcomes.ts';

/** `count` words of a response, from one on. */
export function sampleText(mark: string, count: number, from = 1): string {
  return Array.from({ length: count }, (_, index) => wordOf(mark, from + index)).join('');
}

export function recordOf(some: Partial<RequestRecord> = {}): RequestRecord {
  return {
    ...{ number: 1, kind: 'stream', mark: 'q1', words: 3, startedMs: 0, endedMs: 1_000, requestIds: [], keyedIds: [] },
    ...{ isAccepted: true, isSaved: true, resentMs: [], resumed: 0, refusals: [], cancelledMs: undefined },
    ...{ text: sampleText('q1', 3), end: { type: 'whole' } },
    ...some,
  };
}
