import { describe, expect, it } from 'vitest';
import { executorsReadiness } from '#lib/runner/executor-api';

const executor = (language: string, status: 'healthy' | 'unavailable') => ({
  ...{ language, status, version: null, sandbox: 'bubblewrap', notice: null },
});

describe('executors, as a part of readiness', () => {
  it('are no part where every language is run here', () => {
    expect(executorsReadiness([])).toEqual({ state: 'not_configured' });
  });

  it('are up as long as one language can be run, and say which cannot', () => {
    expect(executorsReadiness([executor('go', 'healthy'), executor('rust', 'healthy')])).toEqual({ state: 'up' });
    expect(executorsReadiness([executor('go', 'unavailable'), executor('rust', 'healthy')])).toEqual({
      state: 'up',
      detail: 'No executor answers for go.',
    });
    expect(executorsReadiness([executor('go', 'unavailable')])).toEqual({
      state: 'down',
      detail: 'No executor answers for go.',
    });
  });
});
