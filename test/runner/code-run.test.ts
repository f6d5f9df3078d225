import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RouteContext } from '#lib/http/route';
import { runner } from '#lib/runner/index';
import { resetSingleton } from '#lib/singletons';
import { codeResultSchema, runnerHealthSchema } from '#lib/wire/code';
import { GET, POST } from '../../app/api/v1/code/run/route.ts';
import { GET as health } from '../../app/api/v1/health/route.ts';

const CONTEXT: RouteContext = { params: Promise.resolve({}), peerAddress: '127.0.0.1' };
const ADDRESS = 'http://localhost:3000/api/v1/code/run';

beforeAll(() => {
  process.env.RATE_LIMIT_CODE = '0';
  resetSingleton('config');
});
afterAll(async () => {
  await runner().close();
  delete process.env.RATE_LIMIT_CODE;
  resetSingleton('config');
});

function send(body: unknown, headers: Record<string, string> = {}, signal?: AbortSignal): Promise<Response> {
  const request = new Request(ADDRESS, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: body instanceof Uint8Array ? new Uint8Array(body) : JSON.stringify(body),
    ...(signal === undefined ? {} : { signal }),
  });
  return POST(request, CONTEXT);
}

const STREAM = { accept: 'text/event-stream' };

async function* events(response: Response): AsyncGenerator<EventSourceMessage> {
  const ready: EventSourceMessage[] = [];
  const parser = createParser({ onEvent: (event) => ready.push(event) });
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    parser.feed(decoder.decode(chunk, { stream: true }));
    yield* ready.splice(0);
  }
}

describe('POST /api/v1/code/run', () => {
  it('runs a program under an alias of its language and reports all fields', async () => {
    const response = await send({ language: 'PY', code: 'print(input())', stdin: 'hello' });
    expect(response.status).toBe(200);
    const result = codeResultSchema.parse(await response.json());
    expect(result).toMatchObject({
      stdout: 'hello\n',
      stderr: '',
      exit_code: 0,
      error: null,
      status: 'success',
      stage: 'run',
      truncated: false,
    });
    expect(result.cpu_ms).toBeGreaterThan(0);
    expect(result.memory_kb).toBeGreaterThan(0);
    expect(response.headers.get('x-execution-time-ms')).toBe(String(Math.round(result.duration_ms)));
  });

  it('responds with 200 for a program that fails', async () => {
    const response = await send({ language: 'javascript', code: 'process.exit(3)' });
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ status: 'runtime_error', exit_code: 3, error: null });
  });

  it('names the languages where it does not know the one asked for', async () => {
    const response = await send({ language: 'cobol', code: 'x' });
    expect(response.status).toBe(400);
    const body = await response.json();
    expect(body).toMatchObject({ code: 'unsupported_language', exit_code: -1 });
    expect(body.languages).toEqual(expect.arrayContaining(['python', 'javascript']));
    expect(body.error).toContain('"cobol"');
  });

  it.each([
    ['an empty program', { language: 'python', code: '' }, 400, 'invalid_request'],
    ['a program of blanks', { language: 'python', code: ' \n' }, 400, 'invalid_request'],
    ['no program', { language: 'python' }, 400, 'invalid_request'],
    ['no language', { code: 'x' }, 400, 'invalid_request'],
    ['50,001 bytes', { language: 'python', code: '#'.repeat(50_001) }, 413, 'code_too_large'],
    [
      '50,001 bytes in two files',
      { language: 'python', code: '#'.repeat(25_000), files: [{ name: 'a', content: 'é'.repeat(12_501) }] },
      413,
      'code_too_large',
    ],
    ['a body beyond all bounds', { language: 'python', code: '#'.repeat(3_000_000) }, 413, 'body_too_large'],
    ['too long a timeout', { language: 'python', code: 'x', timeout: 61 }, 400, 'invalid_request'],
    ['a negative timeout', { language: 'python', code: 'x', timeout: -1 }, 400, 'invalid_request'],
    ['half a character', { language: 'python', code: 'x = "\ud83e"' }, 400, 'invalid_request'],
    ['bytes that are not UTF-8', Buffer.from('{"language":"python","code":"\xff"}', 'latin1'), 400, 'invalid_json'],
    ['what is not JSON', Buffer.from('code=x'), 400, 'invalid_json'],
    [
      'a file that would lie elsewhere',
      { language: 'python', code: 'x', files: [{ name: '../x', content: '' }] },
      400,
      'invalid_request',
    ],
  ])('refuses %s, in the same words where a stream was asked for', async (_name, body, status, code) => {
    const responses = [await send(body), await send(body, STREAM)];
    expect(responses.map((reply) => reply.status)).toEqual([status, status]);
    const [told, streamed] = await Promise.all(responses.map((response) => response.json()));
    expect(told).toMatchObject({ code, error: expect.stringMatching(/\.$/) });
    expect(streamed).toEqual(told);
  });

  it('takes exactly 50,000 bytes', async () => {
    const response = await send({ language: 'python', code: `print(1)${'#'.repeat(49_992)}` });
    expect(await response.json()).toMatchObject({ stdout: '1\n' });
  });

  it('responds with 405 to other methods', async () => {
    expect((await GET(new Request(ADDRESS), CONTEXT)).status).toBe(405);
  });

  it('streams output while the program runs, then the result', async () => {
    const code = [
      'import sys',
      'print("first")',
      'print("é", end="", file=sys.stderr)',
      'sys.stdin.read()',
      'print("last")',
    ].join('\n');
    const response = await send({ language: 'python', code }, STREAM);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    const seen: EventSourceMessage[] = [];
    for await (const event of events(response)) seen.push(event);
    const joined = (name: string) =>
      seen
        .filter(({ event }) => event === name)
        .map(({ data }) => JSON.parse(data).text)
        .join('');
    expect(joined('stdout')).toBe('first\nlast\n');
    expect(joined('stderr')).toBe('é');
    const last = seen.at(-1);
    expect(last?.event).toBe('result');
    expect(codeResultSchema.parse(JSON.parse(last?.data ?? ''))).toMatchObject({
      stdout: 'first\nlast\n',
      stderr: 'é',
      status: 'success',
    });
    expect(seen.filter(({ event }) => event === 'result')).toHaveLength(1);
  });

  it('refuses with the status of the refusal if a stream was requested', async () => {
    const response = await send({ language: 'cobol', code: 'x' }, STREAM);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: 'unsupported_language', exit_code: -1 });
  });

  it('ends the program when its reader leaves the stream', async () => {
    const before = killed();
    const response = await send({ language: 'python', code: 'while True: print("going", flush=True)' }, STREAM);
    for await (const event of events(response)) {
      expect(event.event).toBe('stdout');
      break;
    }
    await until(() => runner().stats().active === 0);
    expect(killed() + outputLimited()).toBeGreaterThan(before);
  });

  it('ends the program when its caller goes away', async () => {
    const before = killed();
    const caller = new AbortController();
    const response = send({ language: 'python', code: 'import time; time.sleep(60)', timeout: 60 }, {}, caller.signal);
    await until(() => runner().stats().active === 1);
    caller.abort();
    expect(await (await response).json()).toMatchObject({ status: 'killed' });
    expect(killed()).toBe(before + 1);
    expect(runner().stats().active).toBe(0);
  });
});

describe('GET /api/v1/health', () => {
  it('reports the languages, their versions and the sandbox in force', async () => {
    const response = await health(new Request('http://localhost:3000/api/v1/health'), CONTEXT);
    expect(response.status).toBe(200);
    const body = runnerHealthSchema.parse(await response.json());
    expect(body.sandbox).toBe('bubblewrap');
    expect(body.languages).toEqual(expect.arrayContaining(['python', 'javascript']));
    expect(body.versions.javascript).toBe(process.versions.node);
    expect(body.versions.python).toMatch(/^3\.\d+/);
  });
});

function count(status: string): number {
  return runner()
    .stats()
    .runs.filter((run) => run.status === status)
    .reduce((sum, run) => sum + run.count, 0);
}
const killed = () => count('killed');
const outputLimited = () => count('output_limit');

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
