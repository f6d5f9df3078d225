import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RouteContext } from '#lib/http/route';
import { runner } from '#lib/runner/index';
import { resetSingleton } from '#lib/singletons';
import {
  executeResultSchema,
  executorHealthSchema,
  executorInfoSchema,
  microservicesHealthSchema,
} from '#lib/wire/executor';
import { POST } from '../../app/api/executors/[language]/execute/route.ts';
import { GET as health } from '../../app/api/executors/[language]/health/route.ts';
import { GET as info } from '../../app/api/executors/[language]/info/route.ts';
import { GET as microservices } from '../../app/api/microservices/health/route.ts';

const HOST = 'http://localhost:3000';
const context = (language: string): RouteContext => ({
  params: Promise.resolve({ language }),
  peerAddress: '127.0.0.1',
});

beforeAll(() => {
  process.env.RATE_LIMIT_CODE = '0';
  resetSingleton('config');
});
afterAll(async () => {
  await runner().close();
  delete process.env.RATE_LIMIT_CODE;
  resetSingleton('config');
});

async function execute(language: string, body: object): Promise<{ status: number; body: unknown }> {
  const request = new Request(`${HOST}/api/executors/${language}/execute`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const response = await POST(request, context(language));
  return { status: response.status, body: await response.json() };
}

describe('an executor', () => {
  it.each(['inputData', 'input_data'])('runs a program with its %s', async (field) => {
    const { status, body } = await execute('python', { code: 'print(input() * 2)', [field]: 'ab' });
    expect(status).toBe(200);
    const result = executeResultSchema.parse(body);
    expect(result).toMatchObject({ output: 'abab\n', error: '', status: 'success' });
    expect(result.executionTime).toBeGreaterThan(0);
    expect(result.executionTime).toBeLessThan(30);
  });

  it('reports what went wrong, whatever it was', async () => {
    const outcomes = await Promise.all([
      execute('python', { code: 'print("seen")\n1/0' }),
      execute('js', { code: 'process.exit(3)' }),
      execute('cpp', { code: 'int main() { return x; }' }),
      execute('python', { code: 'while True: pass', timeout: 0.5 }),
    ]);
    expect(outcomes.map(({ body }) => body)).toMatchObject([
      { output: 'seen\n', status: 'error', error: expect.stringContaining('ZeroDivisionError') },
      { output: '', status: 'error', error: 'The program ended with exit code 3.' },
      { output: '', status: 'error', error: expect.stringMatching(/main.cpp:1:21: error[\s\S]*does not compile\.$/) },
      { output: '', status: 'timeout', error: expect.stringContaining('Timed out after 0.5 s.') },
    ]);
  });

  it('refuses too long a time, no program, and a language that is not there', async () => {
    expect((await execute('python', { code: 'x', timeout: 61 })).status).toBe(400);
    expect((await execute('python', {})).status).toBe(400);
    expect(await execute('cobol', { code: 'x' })).toMatchObject({ status: 404, body: { code: 'not_found' } });
  });

  it('reports its health, limits and a sample that runs', async () => {
    const healthy = await health(new Request(`${HOST}/api/executors/python/health`), context('python'));
    expect(healthy.status).toBe(200);
    expect(executorHealthSchema.parse(await healthy.json())).toMatchObject({
      status: 'healthy',
      language: 'python',
      notice: null,
    });
    const told = await info(new Request(`${HOST}/api/executors/py/info`), context('py'));
    const { sample, limits } = executorInfoSchema.parse(await told.json());
    expect(limits).toMatchObject({ timeout_seconds: 30, max_timeout_seconds: 60, memory_mb: 128 });
    expect(await execute('python', { code: sample, input_data: 'you' })).toMatchObject({
      body: { status: 'success', output: expect.stringContaining('Hello, you!') },
    });
  });

  it('is listed with all the others', async () => {
    const response = await microservices(new Request(`${HOST}/api/microservices/health`), {
      params: Promise.resolve({}),
    });
    const { services } = microservicesHealthSchema.parse(await response.json());
    expect(services.map(({ language }) => language)).toEqual([
      'python',
      'javascript',
      'typescript',
      'java',
      'cpp',
      'go',
      'rust',
    ]);
  });
});
