import { describe, expect, it } from 'vitest';
import type { Call, Incident } from './causes.ts';
import { CHAOS_COLUMNS, type ChaosRun, chaosRows, chaosVerdicts, extraCalls, rejects, summaryOf } from './report.ts';
import { recordOf, sampleText } from './sample-record.ts';
import { EVENT_KINDS } from './schedule.ts';

const KILLED: Incident = { kind: 'instance killed', startMs: 10_000, endMs: 14_000 };
const ALL: Incident[] = EVENT_KINDS.map((kind, index) => ({
  kind,
  startMs: 100_000 * (index + 1),
  endMs: 100_000 * (index + 1) + 5_000,
}));

function runOf(some: Partial<ChaosRun> = {}): ChaosRun {
  return { records: [], calls: new Map(), incidents: ALL, notBack: [], ...some };
}

const call = (startedMs: number, endedMs: number, isWhole: boolean): Call => ({
  server: 0,
  startedMs,
  endedMs,
  isWhole,
});
const metOf = (run: ChaosRun) => chaosVerdicts(run).map(({ met }) => met);
const unmetOf = (run: ChaosRun) => chaosVerdicts(run).flatMap(({ goal, met }) => (met ? [] : [goal]));
const resultOf = (run: ChaosRun, goal: RegExp) => chaosVerdicts(run).find((one) => goal.test(one.goal))?.result;

describe('chaosVerdicts', () => {
  it('are all met where all requests are whole', () => {
    const records = [recordOf(), recordOf({ number: 2, mark: 'q2', text: sampleText('q2', 3) })];
    expect(metOf(runOf({ records }))).toEqual(Array(9).fill(true));
  });

  it.each([
    [/lost: 0/, recordOf({ text: '', end: { type: 'gave up', code: 'not_found' } })],
    [/another question/, recordOf({ text: sampleText('q2', 3) })],
    [/missing, repeated/, recordOf({ text: sampleText('q1', 2) })],
    [/errors without a cause/, recordOf({ refusals: [{ code: 'internal_error', fromMs: 0, atMs: 10 }] })],
    [/two requests/, recordOf({ keyedIds: ['a', 'b'] })],
  ])('have %s not met by such a request alone', (goal, record) => {
    const unmet = unmetOf(runOf({ records: [record] }));
    expect(unmet).toHaveLength(1);
    expect(unmet[0]).toMatch(goal);
  });

  it('do not count what was accepted as not saved, and show it', () => {
    const record = recordOf({ text: '', end: { type: 'gave up', code: 'not_found' }, isSaved: false });
    expect(unmetOf(runOf({ records: [record] }))).toEqual([
      'requests that one server has accepted by itself without a cause: 0',
    ]);
    const away = { kind: 'Redis restarted', startMs: 0, endMs: 500 } as const;
    const run = runOf({ records: [record], incidents: [...ALL, away] });
    expect(unmetOf(run)).toEqual([]);
    expect(resultOf(run, /lost: 0/)).toBe('0 of 1; 1 that were accepted as not saved');
    expect(resultOf(run, /by itself/)).toBe('1: Redis restarted 1');
  });

  it('count what an event explains, with its cause', () => {
    const record = recordOf({
      refusals: [{ code: 'connection_lost', fromMs: 9_000, atMs: 10_001 }],
      keyedIds: ['a', 'a'],
    });
    const run = runOf({ records: [record], incidents: [...ALL, KILLED] });
    expect(unmetOf(run)).toEqual([]);
    expect(resultOf(run, /errors without/)).toBe('1: connection_lost by instance killed 1');
  });

  it('are not met by a request that was cancelled and written to its end', () => {
    const record = recordOf({ cancelledMs: 1_000, end: { type: 'cancelled' }, text: '' });
    const calls = new Map([['q1', [call(500, 8_000, true)]]]);
    expect(unmetOf(runOf({ records: [record], calls }))).toEqual([
      'cancelled requests that were written on without a cause: 0',
    ]);
    expect(unmetOf(runOf({ records: [record], calls: new Map([['q1', [call(500, 1_100, false)]]]) }))).toEqual([]);
  });

  it('are not met by a second call for a question, unless its client has asked again', () => {
    const calls = new Map([['q1', [call(100, 200, true), call(400, 500, true)]]]);
    expect(unmetOf(runOf({ records: [recordOf()], calls }))).toEqual([
      'second calls for one question without a cause: 0',
    ]);
    const asked = runOf({ records: [recordOf({ resentMs: [300] })], calls });
    expect(unmetOf(asked)).toEqual([]);
    expect(resultOf(asked, /second calls/)).toBe('1: sent again by its client 1');
  });

  it('are not met by a run in which an event is missing, or something was not back', () => {
    expect(unmetOf(runOf({ incidents: ALL.slice(1) }))).toHaveLength(1);
    expect(resultOf(runOf({ incidents: ALL.slice(1) }), /each kind/)).toBe('not: instance killed');
    expect(unmetOf(runOf({ notBack: ['Redis restarted: not back'] }))).toHaveLength(1);
  });
});

it('names a cause for each further call of a question', () => {
  const calls = new Map([['q1', [call(9_000, 10_005, false), call(22_000, 23_000, true), call(50_000, 51_000, true)]]]);
  expect(extraCalls(runOf({ records: [recordOf()], calls, incidents: [KILLED] })).map(({ cause }) => cause)).toEqual([
    ...['instance killed', 'unexplained'],
  ]);
});

describe('chaosRows', () => {
  it('have a row for each event, for none, and for each kind of request', () => {
    const records = [
      recordOf({ startedMs: 100_500, endedMs: 101_000, resumed: 2 }),
      recordOf({ startedMs: 0, endedMs: 1_500, mark: 'q2', text: sampleText('q2', 3), kind: 'JSON', resentMs: [5] }),
    ];
    const rows = chaosRows(runOf({ records }));
    expect(rows.map(([name]) => name)).toEqual([...EVENT_KINDS, 'no event', '*stream*', '*JSON*']);
    for (const row of rows) expect(row).toHaveLength(CHAOS_COLUMNS.length);
    expect(rows[0]).toEqual(['instance killed', '1', '1', '1', '0', '0', '0', '2', '0', '0.5', '', '0']);
    expect(rows[5]).toEqual(['no event', '', '1', '1', '0', '0', '0', '0', '1', '1.5', '', '0']);
  });

  it('list what is due to an event by its code, the most frequent first', () => {
    const refusal = (code: string) => ({ code, fromMs: 9_000, atMs: 10_500 });
    const refusals = [refusal('worker_lost'), refusal('connection_lost'), refusal('connection_lost')];
    const rows = chaosRows(runOf({ records: [recordOf({ refusals })], incidents: [KILLED] }));
    expect(rows[0]?.[10]).toBe('connection_lost 2, worker_lost 1');
    expect(rows[5]?.[10]).toBe('');
  });
});

describe('rejects', () => {
  it('have requests that failed, with their ids, calls and events', () => {
    const failed = recordOf({
      startedMs: 9_000,
      endedMs: 12_000,
      requestIds: ['abc'],
      text: sampleText('q1', 1),
      end: { type: 'failed', code: 'worker_lost' },
      refusals: [{ code: 'worker_lost', fromMs: 9_000, atMs: 11_000 }],
    });
    const calls = new Map([['q1', [call(9_100, 10_001, false)]]]);
    const lines = rejects(
      runOf({ records: [failed, recordOf({ mark: 'q3', text: sampleText('q3', 3) })], calls, incidents: [KILLED] }),
    );
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      requestIds: ['abc'],
      outcome: 'failed',
      refusals: [{ code: 'worker_lost', cause: 'instance killed' }],
      calls: [{ isWhole: false }],
      events: [{ kind: 'instance killed' }],
    });
  });

  it('have a whole request whose question was asked twice without a cause', () => {
    const calls = new Map([['q1', [call(100, 200, true), call(400, 500, true)]]]);
    expect(rejects(runOf({ records: [recordOf()], calls }))).toHaveLength(1);
    expect(rejects(runOf({ records: [recordOf()] }))).toEqual([]);
  });
});

it('sums up how requests have ended, the good ones first', () => {
  const counts = new Map([
    ['failed', 1],
    ['whole', 2],
    ['lost', 0],
  ] as const);
  expect(summaryOf(counts)).toBe('2 whole, 1 failed');
});
