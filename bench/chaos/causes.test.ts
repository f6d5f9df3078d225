import { describe, expect, it } from 'vitest';
import {
  type Call,
  CONNECTION_LOST,
  causeOfBreach,
  causeOfExtraCall,
  causeOfRefusal,
  type Incident,
  NO_RESPONSE,
} from './causes.ts';
import type { EventKind } from './schedule.ts';

const during = (kind: EventKind, startMs = 10_000, endMs = 14_000): Incident => ({ kind, startMs, endMs });
const refusal = (code: string, atMs: number, fromMs = atMs - 100) => ({ code, fromMs, atMs });

describe('causeOfRefusal', () => {
  it.each([
    [CONNECTION_LOST, 'instance killed'],
    ['worker_lost', 'instance killed'],
    ['worker_lost', 'Redis restarted'],
    ['shutting_down', 'rolling deploy'],
    ['queue_full', 'cut off from Redis'],
    ['not_found', 'Redis restarted'],
    ['provider_unavailable', 'model server restarted'],
    ['upstream_truncated', 'model server restarted'],
  ] as const)('explains %s by: %s', (code, kind) => {
    expect(causeOfRefusal(refusal(code, 12_000), [during(kind)])).toBe(kind);
  });

  it.each([
    [CONNECTION_LOST, 'rolling deploy'],
    [CONNECTION_LOST, 'Redis restarted'],
    ['not_found', 'instance killed'],
    ['not_found', 'rolling deploy'],
    ['upstream_truncated', 'instance killed'],
    ['cancelled', 'instance killed'],
    ['internal_error', 'Redis restarted'],
    ['rate_limited', 'Redis restarted'],
    [NO_RESPONSE, 'Redis restarted'],
  ] as const)('never explains %s by: %s', (code, kind) => {
    expect(causeOfRefusal(refusal(code, 12_000), [during(kind)])).toBe('unexplained');
  });

  it('explains nothing that failed before the event, or began long after it', () => {
    const incidents = [during('instance killed')];
    expect(causeOfRefusal(refusal(CONNECTION_LOST, 9_999), incidents)).toBe('unexplained');
    expect(causeOfRefusal(refusal(CONNECTION_LOST, 16_100, 16_000), incidents)).toBe('instance killed');
    expect(causeOfRefusal(refusal(CONNECTION_LOST, 16_200, 16_001), incidents)).toBe('unexplained');
    // A long attempt that began before counts by its end.
    expect(causeOfRefusal(refusal(CONNECTION_LOST, 30_000, 5_000), incidents)).toBe('instance killed');
  });

  it('takes the event that began last where several fit', () => {
    const incidents = [during('Redis restarted', 2_000, 8_000), during('instance killed')];
    expect(causeOfRefusal(refusal('worker_lost', 21_000, 9_000), incidents)).toBe('instance killed');
  });

  it('takes the event that fits the code where several happen', () => {
    const incidents = [during('Redis restarted'), during('instance killed'), during('model server restarted')];
    expect(causeOfRefusal(refusal(CONNECTION_LOST, 12_000), incidents)).toBe('instance killed');
    expect(causeOfRefusal(refusal('upstream_failed', 12_000), incidents)).toBe('model server restarted');
  });
});

const call = (startedMs: number, endedMs: number | undefined, isWhole = false, server = 0): Call => ({
  ...{ server, startedMs, endedMs, isWhole },
});

describe('causeOfExtraCall', () => {
  it('explains a call whose model server was ended, and no call of the other one', () => {
    const incidents = [{ ...during('model server restarted'), server: 1 }];
    expect(causeOfExtraCall(call(9_000, 10_100, false, 1), call(10_400, 11_000), [], incidents)).toBe(
      'model server restarted',
    );
    expect(causeOfExtraCall(call(9_000, 10_100, false, 0), call(10_400, 11_000), [], incidents)).toBe('unexplained');
    expect(causeOfExtraCall(call(9_000, 10_100, true, 1), call(10_400, 11_000), [], incidents)).toBe('unexplained');
  });

  it('explains a call that was cut when an instance was killed, or was written just before', () => {
    const incidents = [during('instance killed')];
    expect(causeOfExtraCall(call(9_000, 10_005), call(22_000, 23_000), [], incidents)).toBe('instance killed');
    expect(causeOfExtraCall(call(9_000, 9_990, true), call(22_000, 23_000), [], incidents)).toBe('instance killed');
    expect(causeOfExtraCall(call(5_000, 6_000, true), call(12_000, 13_000), [], incidents)).toBe('unexplained');
  });

  it('explains a call that was given back in a deploy', () => {
    const incidents = [during('rolling deploy', 10_000, 40_000)];
    expect(causeOfExtraCall(call(20_000, 21_000), call(21_100, 22_000), [], incidents)).toBe('rolling deploy');
    expect(causeOfExtraCall(call(20_000, 21_000, true), call(21_100, 22_000), [], incidents)).toBe('unexplained');
  });

  it.each(['Redis restarted', 'cut off from Redis'] as const)('explains two calls around: %s', (kind) => {
    const incidents = [during(kind)];
    expect(causeOfExtraCall(call(9_000, 13_000, true), call(12_000, 15_000), [], incidents)).toBe(kind);
    expect(causeOfExtraCall(call(12_000, 13_000, true), call(30_000, 31_000), [], incidents)).toBe(kind);
    expect(causeOfExtraCall(call(12_000, 13_000, true), call(40_000, 41_000), [], incidents)).toBe('unexplained');
    expect(causeOfExtraCall(call(15_000, 16_000, true), call(17_000, 18_000), [], incidents)).toBe('unexplained');
    // It was asked meanwhile, and waited in the line of one server.
    expect(causeOfExtraCall(call(15_000, 16_000, true), call(17_000, 18_000), [], incidents, 13_000)).toBe(kind);
  });

  it('takes the event that has ended the call where another one fits, too', () => {
    const incidents = [during('Redis restarted', 2_000, 8_000), during('instance killed')];
    expect(causeOfExtraCall(call(7_000, 10_005), call(22_000, 23_000), [], incidents)).toBe('instance killed');
  });

  it('explains a call after its client has sent the question again', () => {
    expect(causeOfExtraCall(call(1_000, 2_000), call(3_000, 4_000), [2_500], [])).toBe('sent again by its client');
    expect(causeOfExtraCall(call(1_000, 2_000), call(3_000, 4_000), [500, 3_500], [])).toBe('unexplained');
  });

  it('explains nothing of a call that is served still without an event', () => {
    expect(causeOfExtraCall(call(1_000, undefined), call(3_000, 4_000), [], [during('instance killed')])).toBe(
      'unexplained',
    );
  });
});

describe('causeOfBreach', () => {
  it('is Redis that was away, and nothing else', () => {
    expect(causeOfBreach(11_000, 12_000, [during('Redis restarted')])).toBe('Redis restarted');
    expect(causeOfBreach(11_000, 12_000, [during('cut off from Redis')])).toBe('cut off from Redis');
    expect(causeOfBreach(11_000, 12_000, [during('instance killed'), during('rolling deploy')])).toBe('unexplained');
    expect(causeOfBreach(1_000, 9_000, [during('Redis restarted')])).toBe('unexplained');
    expect(causeOfBreach(40_000, 41_000, [during('Redis restarted')])).toBe('unexplained');
  });
});
