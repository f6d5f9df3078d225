import { afterEach, describe, expect, it } from 'vitest';
import { readConfig } from '#lib/config/config';
import { Backend } from '#lib/gateway/backend';
import { toBackendFailure } from '#lib/gateway/backend-errors';

const failure = (...codes: string[]) => {
  const errors = codes.map((code) => Object.assign(new Error(code), { code }));
  return toBackendFailure(errors.length === 1 ? errors[0] : new AggregateError(errors), 1_000);
};

describe('a backend', () => {
  const backend = new Backend('http://127.0.0.1:9', readConfig({ LOG_LEVEL: 'silent' }), 'environment');
  afterEach(() => backend.recordSuccess());

  it.each(['EMFILE', 'ENFILE', 'EADDRNOTAVAIL'])('stays up when this machine has no connection left (%s)', (code) => {
    for (let count = 0; count < 5; count++) backend.recordFailure(failure(code), true);
    expect(backend.isDown).toBe(false);
    expect(backend.stats().last_failure?.reason).toBe(`no connection left on this machine: ${code}`);
    expect(failure(code).error).toMatchObject({ code: 'queue_full', retryAfterSeconds: 2 });
  });

  it('goes down when one of its addresses refuses and another fails locally', () => {
    backend.recordFailure(failure('EADDRNOTAVAIL', 'ECONNREFUSED'), true);
    expect(backend.isDown).toBe(true);
    expect(backend.stats().last_failure?.reason).toBe('connection refused');
  });
});
