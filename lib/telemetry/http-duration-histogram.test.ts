import { Histogram, Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { HttpDurationHistogram } from '#lib/telemetry/http-duration-histogram';

const BOUNDS = [0.001, 0.01, 0.1, 1];
const NAME = 'request_seconds';
const HELP = 'How long requests took.';

describe('HttpDurationHistogram', () => {
  it('exposes the same lines as a histogram of prom-client', async () => {
    const registry = new Registry();
    const labelNames = ['route', 'method', 'status'] as const;
    const histogram = new Histogram({ name: NAME, help: HELP, labelNames, buckets: BOUNDS, registers: [registry] });
    const durations = new HttpDurationHistogram(NAME, HELP, BOUNDS);
    expect(`${durations.exposition()}\n`).toBe(await registry.metrics());
    const observations = [
      ['/a', 'GET', 200, 0.0005],
      ['/a', 'GET', 200, 0.001],
      ['/a', 'GET', 200, 0.0011],
      ['/a', 'GET', 404, 0.5],
      ['/a', 'POST', 200, 2],
      ['/b/[id]', 'GET', 200, 1],
      ['/a', 'GET', 200, 0],
      ['/a', 'POST', 200, 0.25],
      ['/"quoted"\\\n', 'GET', 200, 0.25],
    ] as const;
    for (const [route, method, status, seconds] of observations) {
      histogram.observe({ route, method, status: String(status) }, seconds);
      durations.observe(route, method, status, seconds);
    }
    const lines = (text: string) => text.trimEnd().split('\n').map(inOrder).sort();
    expect(lines(durations.exposition())).toEqual(lines(await registry.metrics()));
  });
});

/** The order of labels within a line has no meaning. */
function inOrder(line: string): string {
  return line.replace(/\{(.*)\}/, (_, labels: string) => `{${labels.split(',').sort().join(',')}}`);
}
