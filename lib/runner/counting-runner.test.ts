import { describe, expect, it } from 'vitest';
import { countRuns } from '#lib/runner/counting-runner';
import type { Runner, RunnerLoad } from '#lib/runner/runner';
import { createMetrics } from '#lib/telemetry/metrics';
import type { CodeResult } from '#lib/wire/code';

const LOAD: RunnerLoad = { sandbox: 'bubblewrap', active: 1, waiting: 2, max_concurrent: 3, warm: [] };
const RESULT: CodeResult = {
  ...{ stdout: '', stderr: '', exit_code: 0, duration_ms: 40, error: null, status: 'success', stage: 'run' },
  ...{ truncated: false, cpu_ms: 1, memory_kb: 1 },
};

/** A runner whose runs end with these results, in this order. */
function counted(results: (CodeResult | Error)[]) {
  const unused = () => Promise.reject(new Error('not part of this test'));
  const runner: Runner = {
    run: async () => {
      const next = results.shift();
      if (next === undefined || next instanceof Error) throw next ?? new Error('no result is left');
      return next;
    },
    ...{ validate: unused, prepared: unused, health: unused, close: unused },
    load: () => LOAD,
    occupancy: () => LOAD,
  };
  const metrics = createMetrics();
  return { runner: countRuns(runner, metrics), metrics };
}

describe('countRuns', () => {
  it('counts each run once, in the statistics and in the metrics, under the id of its language', async () => {
    const { runner, metrics } = counted([RESULT, { ...RESULT, duration_ms: 20 }, { ...RESULT, status: 'timeout' }]);
    for (const language of ['py', 'python', 'Python']) await runner.run({ language, code: 'x' }, { caller: 'a' });
    expect(runner.stats()).toEqual({
      ...LOAD,
      total_runs: 3,
      runs: [
        { language: 'python', status: 'success', count: 2 },
        { language: 'python', status: 'timeout', count: 1 },
      ],
      duration_ms: { p50: 40, p95: 40, p99: 40 },
    });
    const lines = (await metrics.promRegistry.metrics()).split('\n');
    const named = (text: string) => lines.filter((line) => line.includes(text)).map((line) => line.split(' ').at(-1));
    expect(named('language="python",status="success"')).toEqual(['2']);
    expect(named('language="python",status="timeout"')).toEqual(['1']);
    expect(lines.filter((line) => /_count\{language="python"\} 3$/.test(line))).toHaveLength(1);
    expect(lines.filter((line) => /_sum\{language="python"\} 0\.1$/.test(line))).toHaveLength(1);
  });

  it('does not count a run that was refused', async () => {
    const { runner } = counted([new Error('busy')]);
    await expect(runner.run({ language: 'python', code: 'x' }, { caller: 'a' })).rejects.toThrow('busy');
    expect(runner.stats()).toMatchObject({ total_runs: 0, runs: [], duration_ms: { p50: null } });
  });
});
