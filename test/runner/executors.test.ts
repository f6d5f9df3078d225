import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serverReadinessSchema } from '#lib/wire/health';
import { freePort } from '../support/free-port.ts';
import { type RunningApp, startApp } from '../support/running-app.ts';

/** A main app and its executors, as processes of their own. */
const KEY = 'executor-key-of-this-test';
const running: RunningApp[] = [];
let python: RunningApp;
let javascript: RunningApp;
let main: RunningApp;

async function start(env: Record<string, string>): Promise<RunningApp> {
  const app = await startApp('server', env);
  running.push(app);
  return app;
}

beforeAll(async () => {
  [python, javascript] = await Promise.all([
    start({ EXECUTOR_LANGUAGE: 'py', API_KEYS: KEY, SHUTDOWN_TIMEOUT_MS: '500' }),
    start({ EXECUTOR_LANGUAGE: 'javascript', API_KEYS: KEY, SHUTDOWN_TIMEOUT_MS: '500' }),
  ]);
  main = await start({
    PYTHON_EXECUTOR_URL: python.url,
    JAVASCRIPT_EXECUTOR_URL: javascript.url,
    EXECUTOR_API_KEY: KEY,
  });
}, 60_000);

afterAll(async () => {
  await Promise.all(running.map((app) => app.stop(3000)));
});

function post(app: RunningApp, path: string, body: object, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(app.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
}

async function run(app: RunningApp, language: string, code: string) {
  const response = await post(app, '/api/v1/code/run', { language, code });
  return { status: response.status, retryAfter: response.headers.get('retry-after'), body: await response.json() };
}

describe('executors elsewhere', () => {
  it('run a program with its whole result', async () => {
    const [py, js] = await Promise.all([
      run(main, 'python', 'import sys\nprint("ü")\nsys.exit(3)'),
      run(main, 'js', 'console.log("from js")'),
    ]);
    expect(py).toMatchObject({ status: 200, body: { stdout: 'ü\n', exit_code: 3, stage: 'run', truncated: false } });
    expect(py.body.memory_kb).toBeGreaterThan(0);
    expect(js).toMatchObject({ status: 200, body: { stdout: 'from js\n', exit_code: 0, error: null } });
  });

  it('send output while the program runs', async () => {
    const code = 'import time\nprint("first", flush=True)\ntime.sleep(0.3)\nprint("last")';
    const reply = await post(main, '/api/v1/code/run', { language: 'python', code }, { accept: 'text/event-stream' });
    const events = [...(await reply.text()).matchAll(/^event: (\w+)\ndata: (.*)$/gm)];
    const text = (name: string) =>
      events.filter(([, event]) => event === name).map(([, , data]) => JSON.parse(data ?? ''));
    expect(
      text('stdout')
        .map((chunk) => chunk.text)
        .join(''),
    ).toBe('first\nlast\n');
    expect(text('result')).toMatchObject([{ stdout: 'first\nlast\n', exit_code: 0, status: 'success' }]);
    expect(events.at(-1)?.[1]).toBe('result');
  });

  it.each(['inputData', 'input_data'])('speak the executor API, with %s, here and at their own root', async (field) => {
    const body = { code: 'print(input())', [field]: 'given' };
    const through = await post(main, '/api/executors/python/execute', body);
    const direct = await post(python, '/execute', body, { authorization: `Bearer ${KEY}` });
    for (const response of [through, direct]) {
      const result = await response.json();
      expect(result).toMatchObject({ output: 'given\n', error: '', status: 'success' });
      expect(result.executionTime).toBeGreaterThan(0);
    }
  });

  it('have health, info and validation at their root, and nothing of another language or of a model', async () => {
    const headers = { authorization: `Bearer ${KEY}` };
    const health = await (await fetch(`${python.url}/health`)).json();
    expect(health).toMatchObject({ status: 'healthy', language: 'python' });
    expect(await (await fetch(`${python.url}/info`, { headers })).json()).toMatchObject({ language: 'python' });
    const validated = await post(python, '/validate', { code: 'print(' }, headers);
    expect(await validated.json()).toMatchObject({ isValid: false });
    expect((await post(python, '/execute', { code: 'print(1)' })).status).toBe(401);
    const other = await post(python, '/api/v1/code/run', { language: 'rust', code: 'fn main() {}' }, headers);
    expect(other.status).toBe(400);
    expect((await fetch(`${python.url}/api/models`, { headers })).status).toBe(404);
    expect((await (await fetch(`${javascript.url}/api/v1/health`)).json()).languages).toEqual([
      'javascript',
      'typescript',
    ]);
  });

  it('take the cancelling of a run along', async () => {
    const left = new AbortController();
    const response = await fetch(`${main.url}/api/v1/code/run`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify({ language: 'python', code: 'print("on", flush=True)\nwhile True: pass', timeout: 60 }),
      signal: left.signal,
    });
    // Output of a program that has no end.
    const first = await response.body?.getReader().read();
    expect(new TextDecoder().decode(first?.value)).toContain('event: stdout');
    expect(await metric(python)).not.toMatch(/status="killed"/);
    left.abort();
    await expect.poll(() => metric(python), { timeout: 10_000 }).toMatch(/language="python",status="killed"/);
  });
});

async function metric(app: RunningApp): Promise<string> {
  return await (await fetch(`${app.url}/api/metrics`, { headers: { authorization: `Bearer ${KEY}` } })).text();
}

describe('an executor that is down', () => {
  it('takes its own language with it, and no other, until it is back', async () => {
    process.kill(python.pid, 'SIGKILL');
    await python.ended;
    const lost = await run(main, 'python', 'print(1)');
    expect(lost).toMatchObject({
      status: 503,
      body: { code: 'language_unavailable', error: expect.stringContaining('Python') },
    });
    expect(Number(lost.retryAfter)).toBeGreaterThan(0);
    expect((await run(main, 'javascript', 'console.log(1)')).body).toMatchObject({ stdout: '1\n' });
    await expect.poll(() => service('python'), { timeout: 10_000 }).toMatchObject({ status: 'unavailable' });
    expect(await service('javascript')).toMatchObject({ status: 'healthy', latency_ms: expect.any(Number) });
    const ready = serverReadinessSchema.parse(await (await fetch(`${main.url}/api/ready`)).json());
    expect(ready.parts.executors).toEqual({ state: 'up', detail: 'No executor answers for python.' });

    const port = new URL(python.url).port;
    await start({ EXECUTOR_LANGUAGE: 'python', API_KEYS: KEY, PORT: port, SHUTDOWN_TIMEOUT_MS: '500' });
    await expect
      .poll(async () => (await run(main, 'python', 'print("back")')).body.stdout, { timeout: 20_000 })
      .toBe('back\n');
    await expect.poll(() => service('python'), { timeout: 10_000 }).toMatchObject({ status: 'healthy' });
  }, 60_000);

  it('is passed over where it has a living replica', async () => {
    const dead = `http://127.0.0.1:${await freePort()}`;
    const app = await start({ JAVASCRIPT_EXECUTOR_URL: `${dead},${javascript.url}`, EXECUTOR_API_KEY: KEY });
    for (let time = 0; time < 6; time++)
      expect((await run(app, 'javascript', `console.log(${time})`)).body.stdout).toBe(`${time}\n`);
  });
});

describe('a wrong EXECUTOR_API_KEY', () => {
  it('is reported in words', async () => {
    const app = await start({ JAVASCRIPT_EXECUTOR_URL: javascript.url, EXECUTOR_API_KEY: 'another-executor-key' });
    const refused = await run(app, 'javascript', 'console.log(1)');
    expect(refused).toMatchObject({ status: 503, body: { code: 'not_configured' } });
    expect(refused.body.error).toContain('EXECUTOR_API_KEY');
    expect(JSON.stringify(refused.body)).not.toContain('wrong');
  });
});

async function service(language: string) {
  const { services } = await (await fetch(`${main.url}/api/microservices/health`)).json();
  return services.find((one: { language: string }) => one.language === language);
}
