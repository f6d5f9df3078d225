import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createMetrics, metricsExposition } from '#lib/telemetry/metrics';

const dashboard = z
  .object({
    uid: z.string(),
    panels: z.array(
      z.object({
        id: z.number(),
        type: z.enum(['row', 'stat', 'timeseries']),
        title: z.string(),
        gridPos: z.object({ x: z.number(), y: z.number(), w: z.number(), h: z.number() }),
        targets: z.array(z.object({ expr: z.string(), legendFormat: z.string() })).default([]),
      }),
    ),
  })
  .parse(JSON.parse(readFileSync('deploy/grafana/dashboard.json', 'utf8')));

const all = createMetrics();
// Those of the process are added when metrics are asked for.
await metricsExposition(all);
const { promRegistry, httpDuration } = all;
const known = [...promRegistry.getMetricsAsArray(), httpDuration];
/** What Prometheus sees of them: a histogram is three series. */
const series = new Map(
  known.flatMap(({ name, type }) =>
    String(type) === 'histogram'
      ? ['_bucket', '_count', '_sum'].map((end) => [name + end, name] as const)
      : [[name, name] as const],
  ),
);
const queries = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
const named = queries.flatMap((expr) => expr.match(/\bchill_space_\w+/g) ?? []);

describe('the Grafana dashboard', () => {
  it('asks for metrics that there are', () => {
    expect(named.length).toBeGreaterThan(30);
    expect(named.filter((name) => !series.has(name))).toEqual([]);
  });

  it('shows every metric of the app', () => {
    const shown = new Set(named.map((name) => series.get(name)));
    const own = known.map(({ name }) => name).filter((name) => !/^chill_space_(process|nodejs)_/.test(name));
    expect(own.filter((name) => !shown.has(name))).toEqual([]);
  });

  it('groups by labels that the metrics have', () => {
    for (const expr of queries) {
      const [name] = expr.match(/\bchill_space_\w+/) ?? [];
      const metric = known.find((one) => one.name === series.get(name ?? ''));
      const labels = metric !== undefined && 'labelNames' in metric ? metric.labelNames : [];
      const grouped = [...expr.matchAll(/by \(([^)]*)\)/g)].flatMap((found) => found[1]?.split(',') ?? []);
      for (const label of grouped.map((one) => one.trim()).filter((one) => one !== 'le' && one !== 'instance'))
        expect(labels, expr).toContain(label);
    }
  });

  it('takes the largest figure of all servers, and sums those of each only without one', () => {
    const scoped = known.filter((metric) => 'labelNames' in metric && String(metric.labelNames).includes('scope'));
    expect(scoped.map(({ name }) => name)).toEqual([
      'chill_space_queue_length',
      'chill_space_model_server_up',
      'chill_space_model_server_running',
      'chill_space_model_server_waiting',
      'chill_space_instances',
    ]);
    for (const { name } of scoped.filter(({ name }) => name !== 'chill_space_instances'))
      for (const expr of queries.filter((one) => one.includes(name))) {
        const [cluster = '', own = '', ...more] = expr.split(' or ');
        expect(more).toEqual([]);
        expect(cluster).toMatch(new RegExp(`^max\\b.*${name}\\{.*scope="cluster"`));
        expect(own).toMatch(new RegExp(`^(?:sum|min)\\b.*${name}\\{.*scope=""`));
      }
  });

  it('has balanced queries, and panels of their own that do not overlap', () => {
    for (const expr of queries)
      for (const [open, close] of ['()', '{}', '[]'].map((pair) => [...pair]))
        expect(expr.split(open ?? '').length, expr).toBe(expr.split(close ?? '').length);
    const { panels } = dashboard;
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const taken = new Set<string>();
    for (const { gridPos, title } of panels)
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(x, title).toBeLessThan(24);
          expect(taken.has(`${x},${y}`), title).toBe(false);
          taken.add(`${x},${y}`);
        }
  });
});
