import { afterEach, describe, expect, it } from 'vitest';
import { readConfig } from '#lib/config/config';
import type { RouteContext } from '#lib/http/route';
import { countRuns } from '#lib/runner/counting-runner';
import { runner } from '#lib/runner/index';
import { createRoutingRunner } from '#lib/runner/routing-runner';
import { createRunner } from '#lib/runner/runner';
import { probe } from '#lib/runner/sandbox/probe/probe';
import type { Sandbox } from '#lib/runner/sandbox/sandbox';
import { resetSingleton, singleton } from '#lib/singletons';
import { createLog } from '#lib/telemetry/log';
import { createMetrics } from '#lib/telemetry/metrics';
import { GET as microservices } from '../../app/api/microservices/health/route.ts';
import { POST } from '../../app/api/v1/code/run/route.ts';

/** Refusals are 503 before any event is streamed, with Retry-After. */
const CONTEXT: RouteContext = { params: Promise.resolve({}), peerAddress: '127.0.0.1' };
const FORMS = [{}, { accept: 'text/event-stream' }];

afterEach(async () => {
  await runner().close();
  resetSingleton('runner');
  resetSingleton('config');
});

/** Replaces the runner by one on which programs that match `missing` cannot be started. */
function useRunner(env: Record<string, string>, missing?: RegExp) {
  const settings = readConfig({ RATE_LIMIT_CODE: '0', LOG_LEVEL: 'silent', ...env });
  singleton('config', () => settings);
  singleton('runner', () => {
    const log = createLog('silent', { write: () => {} });
    const local = createRunner({
      ...{ settings, cores: 1, log },
      probe: async () => {
        const probed = await probe('bubblewrap', process.cwd());
        if (probed.sandbox === undefined || missing === undefined) return probed;
        const { sandbox } = probed;
        const without: Sandbox = {
          tier: sandbox.tier,
          close: () => sandbox.close(),
          run: (job) => sandbox.run(missing.test(job.argv[0] ?? '') ? { ...job, argv: ['/nonexistent'] } : job),
        };
        return { sandbox: without };
      },
    });
    return countRuns(createRoutingRunner(local, settings), createMetrics());
  });
}

function send(body: object, headers: Record<string, string>, signal?: AbortSignal): Promise<Response> {
  return POST(
    new Request('http://localhost:3000/api/v1/code/run', {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
      ...(signal === undefined ? {} : { signal }),
    }),
    CONTEXT,
  );
}

describe.each(FORMS)('POST /api/v1/code/run with %j', (headers) => {
  it('names the package of a missing toolchain, and runs other languages', async () => {
    useRunner({}, /rustc$/);
    const refused = await send({ language: 'rust', code: 'fn main() {}' }, headers);
    expect(refused.status).toBe(503);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(refused.headers.get('content-type')).toContain('application/json');
    expect(await refused.json()).toEqual({
      code: 'language_unavailable',
      error: expect.stringMatching(/^Rust is not installed on this server\. Install Rust .*apt-get install/),
    });
    expect((await send({ language: 'python', code: 'print(1)' }, headers)).status).toBe(200);
    const { services } = await (await microservices(new Request('http://localhost:3000/'), CONTEXT)).json();
    expect(services.find(({ language }: { language: string }) => language === 'rust')).toMatchObject({
      status: 'unavailable',
      notice: expect.stringContaining('Rust is not installed'),
    });
  });

  it('refuses a run with runner_busy if all slots are taken and the queue is full', async () => {
    useRunner({ CODE_MAX_CONCURRENT: '1', CODE_MAX_QUEUE: '0' });
    const left = new AbortController();
    const busy = send({ language: 'python', code: 'import time; time.sleep(60)', timeout: 60 }, {}, left.signal);
    await expect.poll(() => runner().stats().active).toBe(1);
    const refused = await send({ language: 'python', code: 'print(1)' }, headers);
    expect(refused.status).toBe(503);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await refused.json()).toEqual({
      code: 'runner_busy',
      error: expect.stringMatching(/Try again in a few seconds\.$/),
      data: { retry_after_seconds: 2 },
    });
    left.abort();
    expect(await (await busy).json()).toMatchObject({ status: 'killed' });
    expect(await (await send({ language: 'python', code: 'print(1)' }, {})).json()).toMatchObject({ stdout: '1\n' });
  });

  it('names what to install if no sandbox works', async () => {
    const settings = readConfig({ RATE_LIMIT_CODE: '0', LOG_LEVEL: 'silent' });
    singleton('config', () => settings);
    singleton('runner', () => {
      const log = createLog('silent', { write: () => {} });
      const probe = async () => ({ sandbox: undefined, reason: 'Install bubblewrap.' });
      const local = createRunner({ settings, cores: 1, log, probe });
      return countRuns(createRoutingRunner(local, settings), createMetrics());
    });
    const refused = await send({ language: 'python', code: 'print(1)' }, headers);
    expect(refused.status).toBe(503);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await refused.json()).toEqual({ code: 'sandbox_unavailable', error: 'Install bubblewrap.' });
  });
});
