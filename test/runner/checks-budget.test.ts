import { afterAll, beforeAll, expect, it } from 'vitest';
import { readConfig } from '#lib/config/config';
import type { RouteHandler } from '#lib/http/route';
import { resetSingleton, singleton } from '#lib/singletons';
import { runnerHarness } from '../support/runner-harness.ts';

/**
 * An editor checks a program while its user types. Three people behind one key or one address must
 * not use up what their programs need to run: neither the rate limit nor the places of the runner.
 */

const CODE = 'print("hello")';
const PEER = '192.0.2.1';

const harness = runnerHarness({ settings: { CODE_MAX_CONCURRENT: '2', CODE_MAX_QUEUE: '4' } });

beforeAll(() => {
  resetSingleton('config');
  resetSingleton('runner');
  singleton('config', () =>
    readConfig({ RATE_LIMIT_CODE: '3', RATE_LIMIT_CHECKS: '12', ALLOWED_HOSTS: '*', LOG_LEVEL: 'silent' }),
  );
  singleton('runner', () => harness.runner);
});

afterAll(async () => {
  await harness.runner.close();
  resetSingleton('config');
  resetSingleton('runner');
});

async function send(post: RouteHandler, body: object): Promise<number> {
  const text = JSON.stringify(body);
  const headers = { 'content-type': 'application/json', 'content-length': String(text.length) };
  const request = new Request('http://localhost/', { method: 'POST', body: text, headers });
  const response = await post(request, { params: { language: 'python' }, peerAddress: PEER });
  await response.body?.cancel();
  return response.status;
}

it('lets every run go on while three people behind one address type as fast as they can', async () => {
  const { POST: check } = await import('../../app/api/executors/[language]/validate/route.ts');
  const { POST: execute } = await import('../../app/api/executors/[language]/execute/route.ts');
  const { POST: run } = await import('../../app/api/v1/code/run/route.ts');
  const typing = Array.from({ length: 18 }, (_, index) => send(check, { code: `${CODE} # ${index}` }));
  const runs = await Promise.all([
    send(run, { language: 'python', code: CODE }),
    send(run, { language: 'python', code: CODE }),
    send(execute, { code: CODE }),
  ]);
  const checks = await Promise.all(typing);
  // More than the runner has places for, and more than their own limit: some of them were refused.
  expect(new Set(checks.filter((status) => status !== 200))).toEqual(new Set([429, 503]));
  expect(checks).toContain(200);
  expect(runs).toEqual([200, 200, 200]);
  // The limit of runs is their own as well.
  expect(await send(run, { language: 'python', code: CODE })).toBe(429);
});
