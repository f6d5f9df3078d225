import { expect, it } from 'vitest';
import { mergeExpositions } from '#lib/telemetry/merge-expositions';
import { createMetrics, metricsExposition } from '#lib/telemetry/metrics';

it('groups the samples of each metric, with the worker of each', () => {
  const one =
    '# HELP a Help of a.\n# TYPE a counter\na{path="/x y",other="{}"} 1\na{path="/z"} 2\n\n# HELP b B.\n# TYPE b gauge\nb 3\n';
  const two =
    '# HELP b B.\n# TYPE b gauge\nb 4\n\n# HELP a Help of a.\n# TYPE a counter\na{path="/z"} 5\n# HELP c C.\n# TYPE c gauge\nc NaN\n';
  expect(
    mergeExpositions([
      { worker: 1, text: one },
      { worker: 2, text: two },
    ]),
  ).toBe(
    [
      '# HELP a Help of a.',
      '# TYPE a counter',
      'a{worker="1",path="/x y",other="{}"} 1',
      'a{worker="1",path="/z"} 2',
      'a{worker="2",path="/z"} 5',
      '# HELP b B.',
      '# TYPE b gauge',
      'b{worker="1"} 3',
      'b{worker="2"} 4',
      '# HELP c C.',
      '# TYPE c gauge',
      'c{worker="2"} NaN',
      '',
    ].join('\n'),
  );
});

it('loses no sample of the real metrics, and has each metric once', async () => {
  const all = createMetrics();
  all.httpDuration.observe('/api/chat', 'POST', 200, 0.2);
  all.tokens.inc({ kind: 'prompt' }, 3);
  const text = await metricsExposition(all);
  const samples = (exposition: string) => exposition.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const merged = mergeExpositions([
    { worker: 1, text },
    { worker: 2, text },
  ]);
  expect(samples(merged)).toHaveLength(2 * samples(text).length);
  expect(samples(merged).filter((line) => !/^[a-z0-9_]+\{worker="[12]"[,}]/.test(line))).toEqual([]);
  const types = [...merged.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
  expect(new Set(types).size).toBe(types.length);
  expect(merged).toContain('chill_space_tokens_total{worker="2",kind="prompt"} 3');
});
