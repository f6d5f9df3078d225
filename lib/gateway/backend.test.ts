import { afterEach, describe, expect, it } from 'vitest';
import { readConfig } from '#lib/config/index';
import { Backend } from '#lib/gateway/backend';
import { backendFailure } from '#lib/gateway/faults';

const failure = (...codes: string[]) => {
  const errors = codes.map((code) => Object.assign(new Error(code), { code }));
  return backendFailure(errors.length === 1 ? errors[0] : new AggregateError(errors), 1_000);
};

describe('a backend', () => {
  const backend = new Backend('http://127.0.0.1:9', readConfig({ LOG_LEVEL: 'silent' }));
  afterEach(() => backend.succeeded());

  it.each(['EMFILE', 'ENFILE', 'EADDRNOTAVAIL'])('is not down where this machine has none left (%s)', (code) => {
    for (let count = 0; count < 5; count++) backend.failed(failure(code), true);
    expect(backend.isDown).toBe(false);
    expect(backend.stats().last_failure?.reason).toBe(`no connection left on this machine: ${code}`);
    expect(failure(code).fault).toMatchObject({ code: 'queue_full', retryAfterSeconds: 2 });
  });

  it('is down where one of its addresses refuses, whatever the others say', () => {
    backend.failed(failure('EADDRNOTAVAIL', 'ECONNREFUSED'), true);
    expect(backend.isDown).toBe(true);
    expect(backend.stats().last_failure?.reason).toBe('connection refused');
  });
});
