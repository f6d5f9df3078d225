import { expect, it } from 'vitest';
import { createMetrics, metricsExposition } from '#lib/telemetry/metrics';

/**
 * The rules of `promtool check metrics`:
 * https://github.com/prometheus/client_golang/tree/main/prometheus/testutil/promlint
 */
function complaints(name: string, type: string, help: string): string[] {
  const found: string[] = [];
  const when = (wrong: boolean, text: string) => wrong && found.push(`${name} ${text}`);
  when(help === '', 'has no help');
  when((type === 'counter') !== name.endsWith('_total'), 'ends in _total, or not, against its type');
  when(
    type !== 'histogram' && type !== 'summary' && /_(bucket|count|sum)$/.test(name),
    'ends like part of a histogram',
  );
  when(/(^|_)(gauge|counter|histogram|summary|metric)(_|$)/.test(name), 'names its type');
  when(!/^[a-z_][a-z0-9_]*$/.test(name), 'is not in snake case');
  when(
    /_(ms|us|ns|milliseconds|microseconds|minutes|hours|days|kb|mb|kilobytes|megabytes|percent|bits)(_|$)/.test(name),
    'is not in a base unit',
  );
  return found;
}

it('exposes metrics that pass the rules of promtool', async () => {
  const text = await metricsExposition(createMetrics());
  const types = new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => [name, type]));
  const helps = new Map([...text.matchAll(/^# HELP (\S+) (.*)$/gm)].map(([, name = '', help = '']) => [name, help]));
  expect(types.size).toBeGreaterThan(40);
  expect([...types].flatMap(([name, type]) => complaints(name, type, helps.get(name) ?? ''))).toEqual([]);
});

it('exposes the open handles, requests and resources by type', async () => {
  const text = await metricsExposition(createMetrics());
  for (const name of ['handles', 'requests', 'resources'])
    expect(text).toContain(`# TYPE chill_space_nodejs_active_${name} gauge`);
});

it('exposes the durations of requests next to the other metrics', async () => {
  const all = createMetrics();
  all.httpDuration.observe('/api/chat', 'POST', 200, 0.2);
  const text = await metricsExposition(all);
  expect(text).toContain('\n\n# HELP chill_space_http_request_duration_seconds ');
  expect(text).toContain(
    'chill_space_http_request_duration_seconds_count{route="/api/chat",method="POST",status="200"} 1\n',
  );
});
