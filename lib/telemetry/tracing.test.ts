import { describe, expect, it } from 'vitest';
import type { Span } from '#lib/telemetry/span';
import { Tracer, tracer } from '#lib/telemetry/tracing';

const INPUT = { name: 'work', startMs: 1, endMs: 2, attributes: {} };

const TRACE_ID = 'ab'.repeat(16);
const PARENT_ID = 'cd'.repeat(8);

function recorder() {
  const batches: (readonly Span[])[] = [];
  const traces = new Tracer(async (spans) => void batches.push(spans));
  return { batches, traces, all: () => batches.flat() };
}

describe('Tracer', () => {
  it('is undefined without a collector', () => {
    expect(tracer()).toBeUndefined();
  });

  it('derives one trace id from each request id', async () => {
    const { traces, all } = recorder();
    for (const id of ['a', 'b', 'a', '00000000-0000-0000-0000-000000000000']) traces.recordRequest(id, INPUT);
    await traces.flush();
    const ids = all().map(({ traceId }) => traceId);
    expect(ids[0]).toBe(ids[2]);
    expect(new Set(ids).size).toBe(3);
    for (const id of ids) expect(id).toMatch(/^(?!0+$)[0-9a-f]{32}$/);
  });

  it.each(['', 'nonsense', `00-${'0'.repeat(32)}-${'a'.repeat(16)}-01`, `ff-${'a'.repeat(32)}-${'a'.repeat(16)}-01`])(
    'ignores the invalid traceparent %j',
    async (traceparent) => {
      const { traces, all } = recorder();
      traces.continueTrace('a', traceparent);
      traces.recordRequest('a', INPUT);
      await traces.flush();
      expect(all()[0]?.parentSpanId).toBeUndefined();
    },
  );

  it.each(['00', '02', '04'])(
    'exports no span of a trace with the flags %s, and passes the flags on',
    async (flags) => {
      const { traces, all } = recorder();
      traces.continueTrace('a', `00-${TRACE_ID}-${PARENT_ID}-${flags}`);
      traces.recordRequest('a', INPUT);
      expect(traces.recordSpan('a', INPUT)).toMatch(/^[0-9a-f]{16}$/);
      traces.recordRequest('b', INPUT);
      await traces.flush();
      expect(all()).toHaveLength(1);
      expect(all()[0]?.traceId).not.toBe(TRACE_ID);
      expect(traces.traceparent('a')).toMatch(new RegExp(`^00-${TRACE_ID}-[0-9a-f]{16}-${flags}$`));
    },
  );

  it.each(['01', '03', 'ff'])(
    'exports the spans of a trace with the flags %s, and passes the flags on',
    async (flags) => {
      const { traces, all } = recorder();
      traces.continueTrace('a', `00-${TRACE_ID}-${PARENT_ID}-${flags}`);
      traces.recordRequest('a', INPUT);
      await traces.flush();
      expect(all()).toMatchObject([{ traceId: TRACE_ID, parentSpanId: PARENT_ID }]);
      expect(traces.traceparent('a')).toBe(`00-${TRACE_ID}-${all()[0]?.spanId}-${flags}`);
    },
  );

  it('samples a trace that begins here', () => {
    expect(recorder().traces.traceparent('a')).toMatch(/-01$/);
  });

  it('exports a full batch at once, and the rest on flush', async () => {
    const sent: number[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    const traces = new Tracer(async (spans) => {
      sent.push(spans.length);
      await promise;
    });
    for (let span = 0; span < 513; span++) traces.recordRequest('a', INPUT);
    resolve();
    await traces.flush();
    expect(sent).toEqual([512, 1]);
  });

  it('continues after a failed export', async () => {
    let tries = 0;
    const traces = new Tracer(async () => {
      tries += 1;
      throw new Error('unreachable');
    });
    for (let round = 0; round < 2; round++) {
      traces.recordRequest('a', INPUT);
      await traces.flush();
    }
    expect(tries).toBe(2);
  });
});
