/** What a run has shown, as rows, verdicts, and the requests that somebody has to look at. */
import type { Verdict } from '../harness.ts';
import {
  type Call,
  type Cause,
  causeOfBreach,
  causeOfExtraCall,
  causeOfRefusal,
  type ExtraCallCause,
  type Incident,
  type Refusal,
  UNEXPLAINED,
} from './causes.ts';
import { OUTCOMES, type Outcome, outcomeOf, type RequestRecord } from './outcomes.ts';
import { EVENT_KINDS } from './schedule.ts';

export interface ChaosRun {
  readonly records: readonly RequestRecord[];
  /** Of the model servers, by the mark of the question, in the order in which they began. */
  readonly calls: ReadonlyMap<string, readonly Call[]>;
  readonly incidents: readonly Incident[];
  /** Events after which something has not come back in time, each with what. */
  readonly notBack: readonly string[];
}

/** How often requests have ended in which way. */
export type OutcomeCounts = ReadonlyMap<Outcome, number>;

/** A request with what is known of it. */
export interface JudgedRequest {
  readonly record: RequestRecord;
  readonly outcome: Outcome;
  readonly refusals: readonly (Refusal & { readonly cause: Cause })[];
  /** Why an `Idempotency-Key` has brought two requests. */
  readonly twoRequests: Cause | undefined;
  /** Why one server has accepted it by itself. */
  readonly alone: Cause | undefined;
  /** Why it was written to its end although it was cancelled. */
  readonly writtenOn: Cause | undefined;
}

export interface ExtraCall {
  readonly mark: string;
  readonly cause: ExtraCallCause;
}

/** A call that is cut has ended within this time after the request is cancelled. */
const CUT_WITHIN_MS = 1_500;

export function judge({ records, calls, incidents }: ChaosRun): JudgedRequest[] {
  return records.map((record) => ({
    record,
    outcome: outcomeOf(record),
    refusals: record.refusals.map((refusal) => ({ ...refusal, cause: causeOfRefusal(refusal, incidents) })),
    twoRequests:
      new Set(record.keyedIds).size > 1 ? causeOfBreach(record.startedMs, record.endedMs, incidents) : undefined,
    alone: record.isSaved ? undefined : causeOfBreach(record.startedMs, record.endedMs, incidents),
    writtenOn: causeOfWritingOn(record, calls.get(record.mark) ?? [], incidents),
  }));
}

function causeOfWritingOn(
  { cancelledMs }: RequestRecord,
  calls: readonly Call[],
  incidents: readonly Incident[],
): Cause | undefined {
  if (cancelledMs === undefined) return undefined;
  const on = calls.find(({ endedMs, isWhole }) => isWhole && (endedMs ?? 0) > cancelledMs + CUT_WITHIN_MS);
  return on === undefined ? undefined : causeOfBreach(cancelledMs, on.endedMs ?? cancelledMs, incidents);
}

/** Each question has one call: every further one, with why there is one. */
export function extraCalls({ records, calls, incidents }: ChaosRun): ExtraCall[] {
  const resentMs = new Map<string, number[]>();
  const askedMs = new Map<string, number>();
  for (const { mark, startedMs, resentMs: own } of records) {
    resentMs.set(mark, [...(resentMs.get(mark) ?? []), ...own]);
    askedMs.set(mark, Math.min(startedMs, askedMs.get(mark) ?? startedMs));
  }
  return [...calls].flatMap(([mark, all]) =>
    all.slice(1).map((extra, index) => {
      const previous = all[index];
      const cause =
        previous === undefined
          ? UNEXPLAINED
          : causeOfExtraCall(previous, extra, resentMs.get(mark) ?? [], incidents, askedMs.get(mark));
      return { mark, cause };
    }),
  );
}

export const CHAOS_COLUMNS = [
  '',
  'times',
  'requests',
  'whole',
  'cancelled',
  'failed',
  'lost',
  'resumed',
  'sent again',
  'longest (s)',
  'refusals, lost connections and errors due to it',
  'calls due to it',
] as const;

const QUIET = 'no event';

/** Rows by event, of the requests that were open meanwhile; then by kind of request. */
export function chaosRows(run: ChaosRun): string[][] {
  const judged = judge(run);
  const extra = extraCalls(run);
  const isDuring = ({ record }: JudgedRequest, { startMs, endMs }: Incident) =>
    record.startedMs <= endMs && record.endedMs >= startMs;
  const ofCause = (cause: string) => ({
    refusals: judged.flatMap(({ refusals }) => refusals.filter((refusal) => refusal.cause === cause)),
    calls: extra.filter((call) => call.cause === cause).length,
  });
  const rows = EVENT_KINDS.map((kind) => {
    const incidents = run.incidents.filter((incident) => incident.kind === kind);
    const open = judged.filter((one) => incidents.some((incident) => isDuring(one, incident)));
    const { refusals, calls } = ofCause(kind);
    return chaosRow(kind, String(incidents.length), open, countedCodes(refusals), String(calls));
  });
  const quiet = judged.filter((one) => !run.incidents.some((incident) => isDuring(one, incident)));
  const none = ofCause(UNEXPLAINED);
  rows.push(chaosRow(QUIET, '', quiet, countedCodes(none.refusals), String(none.calls)));
  for (const [kind, some] of groupBy(judged, ({ record }) => record.kind)) {
    const marks = new Set(some.map(({ record }) => record.mark));
    const codes = countedCodes(some.flatMap(({ refusals }) => refusals));
    rows.push(chaosRow(`*${kind}*`, '', some, codes, String(extra.filter(({ mark }) => marks.has(mark)).length)));
  }
  return rows;
}

function chaosRow(name: string, times: string, some: readonly JudgedRequest[], codes: string, calls: string): string[] {
  const count = (...outcomes: Outcome[]) => String(some.filter(({ outcome }) => outcomes.includes(outcome)).length);
  const sum = (of: (record: RequestRecord) => number) => String(some.reduce((all, { record }) => all + of(record), 0));
  const longestMs = some.reduce((most, { record }) => Math.max(most, record.endedMs - record.startedMs), 0);
  return [
    name,
    times,
    String(some.length),
    count('whole'),
    count('cancelled'),
    count('failed', 'refused', 'damaged', 'mixed up'),
    count('lost', 'lost, not saved'),
    sum(({ resumed }) => resumed),
    sum(({ resentMs }) => resentMs.length),
    (longestMs / 1_000).toFixed(1),
    codes,
    calls,
  ];
}

export function chaosVerdicts(run: ChaosRun): Verdict[] {
  const judged = judge(run);
  const extra = extraCalls(run);
  const ofOutcome = (outcome: Outcome) => judged.filter((one) => one.outcome === outcome).length;
  const refusals = judged.flatMap((one) => one.refusals);
  const due = (causes: readonly (string | undefined)[]) => {
    const found = causes.filter((cause) => cause !== undefined);
    const unexplained = found.filter((cause) => cause === UNEXPLAINED).length;
    return { result: `${found.length}: ${countedOr(found, 'none')}`, met: unexplained === 0 };
  };
  const missing = EVENT_KINDS.filter((kind) => !run.incidents.some((incident) => incident.kind === kind));
  const unsaved = ofOutcome('lost, not saved');
  return [
    {
      goal: 'accepted requests that are lost: 0',
      result: `${ofOutcome('lost')} of ${judged.filter(({ record }) => record.isAccepted).length}${unsaved > 0 ? `; ${unsaved} that were accepted as not saved` : ''}`,
      met: ofOutcome('lost') === 0,
    },
    {
      goal: 'responses with words of another question: 0',
      result: String(ofOutcome('mixed up')),
      met: ofOutcome('mixed up') === 0,
    },
    {
      goal: 'responses with a word missing, repeated or too many: 0',
      result: String(ofOutcome('damaged')),
      met: ofOutcome('damaged') === 0,
    },
    {
      goal: 'refusals, lost connections and errors without a cause: 0',
      result: `${refusals.length}: ${countedOr(
        refusals.map(({ code, cause }) => `${code} by ${cause}`),
        'none',
      )}`,
      met: refusals.every(({ cause }) => cause !== UNEXPLAINED),
    },
    { goal: 'second calls for one question without a cause: 0', ...due(extra.map(({ cause }) => cause)) },
    {
      goal: 'keys with two requests without a cause: 0',
      ...due(judged.map(({ twoRequests }) => twoRequests)),
    },
    {
      goal: 'requests that one server has accepted by itself without a cause: 0',
      ...due(judged.map(({ alone }) => alone)),
    },
    {
      goal: 'cancelled requests that were written on without a cause: 0',
      ...due(judged.map(({ writtenOn }) => writtenOn)),
    },
    {
      goal: 'each kind of event has happened, and all was back within a minute',
      result: [...missing.map((kind) => `not: ${kind}`), ...run.notBack].join('; ') || `${run.incidents.length} events`,
      met: missing.length === 0 && run.notBack.length === 0,
    },
  ];
}

/** Requests that a person should look at, with all that is known of each: a line of JSON each. */
export function rejects(run: ChaosRun): string[] {
  const extra = groupBy(extraCalls(run), ({ mark }) => mark);
  return judge(run)
    .filter(
      ({ record, outcome, refusals, twoRequests, alone, writtenOn }) =>
        !['whole', 'cancelled'].includes(outcome) ||
        refusals.some(({ cause }) => cause === UNEXPLAINED) ||
        twoRequests !== undefined ||
        alone === UNEXPLAINED ||
        writtenOn !== undefined ||
        extra.get(record.mark)?.some(({ cause }) => cause === UNEXPLAINED) === true,
    )
    .map(({ record, ...judgement }) =>
      JSON.stringify({
        ...record,
        ...judgement,
        calls: run.calls.get(record.mark) ?? [],
        extraCalls: (extra.get(record.mark) ?? []).map(({ cause }) => cause),
        events: run.incidents.filter(({ startMs, endMs }) => startMs <= record.endedMs && endMs >= record.startedMs),
      }),
    );
}

/** How many requests have ended in which way, for the log of a run. */
export function summaryOf(outcomes: OutcomeCounts): string {
  return OUTCOMES.flatMap((outcome) => {
    const count = outcomes.get(outcome) ?? 0;
    return count === 0 ? [] : [`${count} ${outcome}`];
  }).join(', ');
}

function countedCodes(refusals: readonly Refusal[]): string {
  return countedOr(
    refusals.map(({ code }) => code),
    '',
  );
}

/** `code 3, other 1`: the most frequent first. */
function countedOr(names: readonly string[], none: string): string {
  const counts = [...groupBy(names, (name) => name)].map(([name, some]) => [name, some.length] as const);
  const sorted = counts.toSorted((one, other) => other[1] - one[1] || one[0].localeCompare(other[0]));
  return sorted.map(([name, count]) => `${name} ${count}`).join(', ') || none;
}

function groupBy<Item>(items: readonly Item[], nameOf: (item: Item) => string): Map<string, Item[]> {
  return Map.groupBy(items, nameOf);
}
