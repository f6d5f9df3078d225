import { Histogram, Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { HttpDurationHistogram } from '#lib/telemetry/http-duration-histogram';

const BOUNDS = [0.001, 0.01, 0.1, 1];
const NAME = 'request_seconds';
const HELP = 'How long requests took.';

describe('durations of requests', () => {
  it('are exposed as by a histogram of prom-client itself', async () => {
    const [theirs, ours] = [new Registry(), new Registry()];
    const labelNames = ['route', 'method', 'status'] as const;
    const histogram = new Histogram({ name: NAME, help: HELP, labelNames, buckets: BOUNDS, registers: [theirs] });
    const durations = new HttpDurationHistogram(NAME, HELP, BOUNDS, ours);
    expect(await ours.metrics()).toBe(await theirs.metrics());
    const observations = [
      ['/a', 'GET', 200, 0.0005],
      ['/a', 'GET', 200, 0.001],
      ['/a', 'GET', 200, 0.0011],
      ['/a', 'GET', 404, 0.5],
      ['/a', 'POST', 200, 2],
      ['/b/[id]', 'GET', 200, 1],
      ['/a', 'GET', 200, 0],
      ['/a', 'POST', 200, 0.25],
    ] as const;
    for (const [route, method, status, seconds] of observations) {
      histogram.observe({ route, method, status: String(status) }, seconds);
      durations.observeRequest(route, method, status, seconds);
    }
    const lines = async (registry: Registry) => (await registry.metrics()).split('\n').map(inOrder).sort();
    expect(await lines(ours)).toEqual(await lines(theirs));
    expect(await ours.getMetricsAsJSON()).toMatchObject([{ name: NAME, help: HELP, type: 'histogram' }]);
  });
});

/** The order of labels within a line means nothing. */
function inOrder(line: string): string {
  return line.replace(/\{(.*)\}/, (_, labels: string) => `{${labels.split(',').sort().join(',')}}`);
}
