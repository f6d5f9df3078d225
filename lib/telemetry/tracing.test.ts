import { describe, expect, it } from 'vitest';
import { type Span, Tracer, tracer } from '#lib/telemetry/tracing';

const WORK = { name: 'work', startMs: 1, endMs: 2, attributes: {} };

function recorder() {
  const batches: (readonly Span[])[] = [];
  const traces = new Tracer(async (spans) => void batches.push(spans));
  return { batches, traces, all: () => batches.flat() };
}

describe('Tracer', () => {
  it('is not there where no collector is set', () => {
    expect(tracer()).toBeUndefined();
  });

  it('gives every id a trace of its own, the same one always', async () => {
    const { traces, all } = recorder();
    for (const id of ['a', 'b', 'a', '00000000-0000-0000-0000-000000000000']) traces.recordRequest(id, WORK);
    await traces.flush();
    const ids = all().map(({ traceId }) => traceId);
    expect(ids[0]).toBe(ids[2]);
    expect(new Set(ids).size).toBe(3);
    for (const id of ids) expect(id).toMatch(/^(?!0+$)[0-9a-f]{32}$/);
  });

  it.each(['', 'nonsense', `00-${'0'.repeat(32)}-${'a'.repeat(16)}-01`, `ff-${'a'.repeat(32)}-${'a'.repeat(16)}-01`])(
    'does not take %j for a trace',
    async (traceparent) => {
      const { traces, all } = recorder();
      traces.continueTrace('a', traceparent);
      traces.recordRequest('a', WORK);
      await traces.flush();
      expect(all()[0]?.parentSpanId).toBeUndefined();
    },
  );

  it('sends many at once, and holds no more than a bound while the collector is away', async () => {
    const sent: number[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    const traces = new Tracer(async (spans) => {
      sent.push(spans.length);
      await promise;
    });
    for (let span = 0; span < 513; span++) traces.recordRequest('a', WORK);
    resolve();
    await traces.flush();
    expect(sent).toEqual([512, 1]);
  });

  it('goes on after a collector that refuses', async () => {
    let tries = 0;
    const traces = new Tracer(async () => {
      tries += 1;
      throw new Error('away');
    });
    for (let round = 0; round < 2; round++) {
      traces.recordRequest('a', WORK);
      await traces.flush();
    }
    expect(tries).toBe(2);
  });
});
