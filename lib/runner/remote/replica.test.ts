import { describe, expect, it } from 'vitest';
import { AppError } from '#lib/errors';
import { ReplicaUnavailable, ReplicaUnreachable, toReplicaError } from '#lib/runner/remote/replica';

const body = (code: string, error = 'A sentence.') => JSON.stringify({ error, code });
/** What to say where no other replica is left. */
const faultOf = (error: Error) => (error instanceof ReplicaUnavailable ? error.fault : undefined);

describe('what an executor’s refusal means', () => {
  it.each([401, 403])('%i means a wrong key for any body, and another replica is tried', (status) => {
    const error = toReplicaError(status, body('unauthorized', 'Bearer secret is wrong.'));
    expect(error).toBeInstanceOf(ReplicaUnavailable);
    expect(faultOf(error)).toMatchObject({
      code: 'not_configured',
      message: expect.stringContaining('EXECUTOR_API_KEY'),
    });
    expect(faultOf(error)?.message).not.toContain('secret');
  });

  it.each([
    [404, body('not_found')],
    [200 + 2, ''],
    [500, '<html>nginx</html>'],
    [502, '{"error":"Bad gateway"}'],
    [400, body('a_code_of_somebody_else')],
    [400, '{"error":'],
  ])('%i with %j: that is no executor', (status, text) => {
    const error = toReplicaError(status, text);
    expect(error).toBeInstanceOf(ReplicaUnavailable);
    expect(faultOf(error)).toMatchObject({
      code: 'upstream_failed',
      message: expect.stringContaining(`status ${status}`),
    });
  });

  it('429 and 503: this one has no room, another one may', () => {
    expect(faultOf(toReplicaError(429, body('rate_limited')))).toMatchObject({
      code: 'runner_busy',
      message: 'A sentence.',
    });
    const busy = toReplicaError(503, body('runner_busy'));
    expect(faultOf(busy)).toMatchObject({ code: 'runner_busy', message: 'A sentence.' });
    expect(faultOf(toReplicaError(503, body('language_unavailable')))).toMatchObject({ code: 'language_unavailable' });
    // A busy executor is alive: it does not count against its circuit.
    expect(busy).not.toBeInstanceOf(ReplicaUnreachable);
  });

  it.each([
    [400, 'invalid_request'],
    [413, 'code_too_large'],
    [400, 'unsupported_language'],
  ])('%i %s: the request itself is wrong, and would be anywhere', (status, code) => {
    const error = toReplicaError(status, body(code));
    expect(error).not.toBeInstanceOf(ReplicaUnavailable);
    expect(AppError.is(error)).toBe(true);
    expect(error).toMatchObject({ code, message: 'A sentence.' });
  });

  it('takes along which fields are wrong', () => {
    const details = [{ field: 'code', message: 'must not be empty' }];
    expect(toReplicaError(400, JSON.stringify({ error: 'No.', code: 'invalid_request', details }))).toMatchObject({
      details,
    });
  });
});
