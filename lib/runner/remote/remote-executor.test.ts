import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { readConfig } from '#lib/config/config';
import { findLanguage } from '#lib/languages/index';
import { maxEventBytes, maxRunMs, RemoteExecutor } from '#lib/runner/remote/remote-executor';
import { runWithRequestId } from '#lib/telemetry/request-context';

type Responder = (response: ServerResponse, request: IncomingMessage) => void;

const RESULT = {
  ...{ stdout: 'out', stderr: '', exit_code: 0, duration_ms: 1, error: null, status: 'success', stage: 'run' },
  ...{ truncated: false, cpu_ms: 1, memory_kb: 1 },
};
const RESULT_EVENT = event('result', RESULT);
const PROGRAM = { language: 'python', code: 'x' };

const servers: Server[] = [];
const open: RemoteExecutor[] = [];
afterEach(async () => {
  for (const executor of open.splice(0)) await executor.close();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

function event(name: string, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

/**
 * Starts executors with these handlers, in this order; returns the requests that each has seen.
 */
async function executors(language: string, ...responders: Responder[]) {
  return executorsWith({}, language, ...responders);
}

async function executorsWith(environment: Record<string, string>, language: string, ...responders: Responder[]) {
  const seen = responders.map(() => 0);
  const urls = await Promise.all(
    responders.map(async (responder, index) => {
      const server = createServer((request, response) => {
        seen[index] = (seen[index] ?? 0) + 1;
        request.resume();
        responder(response, request);
      });
      servers.push(server);
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const address = server.address();
      if (address === null || typeof address === 'string') throw new Error('no port');
      return `http://127.0.0.1:${address.port}`;
    }),
  );
  const found = findLanguage(language);
  if (found === undefined) throw new Error(language);
  const executor = new RemoteExecutor(found, urls, readConfig(environment));
  open.push(executor);
  return { executor, seen };
}

const stream =
  (...chunks: (string | 'break')[]): Responder =>
  async (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const chunk of chunks) {
      if (chunk === 'break') response.destroy();
      else await new Promise((resolve) => response.write(chunk, resolve));
      // Separate chunks for the client.
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (!response.destroyed) response.end();
  };

const good = stream(RESULT_EVENT);

describe('a stream from an executor', () => {
  it('gets the id of the request', async () => {
    const ids: unknown[] = [];
    const { executor } = await executors('python', (response, request) => {
      ids.push(request.headers['x-request-id']);
      good(response, request);
    });
    await runWithRequestId('an-id', () => executor.run(PROGRAM, { caller: 'test' }));
    await executor.run(PROGRAM, { caller: 'test' });
    expect(ids).toEqual(['an-id', undefined]);
  });

  it('may be cut anywhere, and hold comments', async () => {
    const text = `${event('stdout', { text: 'ü\n' })}: still running\n\n${event('stderr', { text: '🦀' })}${RESULT_EVENT}`;
    const bytes = [...Buffer.from(text)].map((byte) => Buffer.from([byte]));
    const { executor } = await executors('python', (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (const byte of bytes) response.write(byte);
      response.end();
    });
    const heard: string[] = [];
    const result = await executor.run(PROGRAM, {
      caller: 'a',
      onOutput: (name, part) => heard.push(`${name} ${part}`),
    });
    expect(heard).toEqual(['stdout ü\n', 'stderr 🦀']);
    expect(result).toEqual(RESULT);
  });

  it.each([
    ['ends at once', stream()],
    ['ends in the middle of an event', stream('event: result\ndata: {"stdout"')],
    ['breaks off', stream(': still running\n\n', 'break')],
    ['holds a result that is none', stream(event('result', { hello: 1 }))],
  ])('that %s before any output is asked of the next one', async (_how, lost) => {
    const { executor, seen } = await executors('python', lost, good);
    let starts = 0;
    const result = await executor.run(PROGRAM, { caller: 'a', onStart: () => starts++ });
    expect(result).toEqual(RESULT);
    expect(seen).toEqual([1, 1]);
    expect(starts).toBe(1);
  });

  it.each([
    ['ends', stream(event('stdout', { text: 'half' }))],
    ['breaks off', stream(event('stdout', { text: 'half' }), 'break')],
  ])('that %s after output is a failure, so no caller sees the same output twice', async (_how, lost) => {
    const { executor, seen } = await executors('python', lost, good);
    const heard: string[] = [];
    const run = executor.run(PROGRAM, { caller: 'a', onOutput: (_name, text) => heard.push(text) });
    await expect(run).rejects.toMatchObject({
      code: 'upstream_failed',
      message: expect.stringContaining('Run the program again'),
    });
    expect(heard).toEqual(['half']);
    expect(seen).toEqual([1, 0]);
  });

  it('that ends with an error is that error', async () => {
    const told = stream(event('error', { error: 'It shuts down.', code: 'shutting_down' }));
    const { executor } = await executors('python', told);
    await expect(executor.run(PROGRAM, { caller: 'a' })).rejects.toMatchObject({
      code: 'shutting_down',
      message: 'It shuts down.',
    });
    const { executor: vague } = await executors('python', stream(event('error', { hello: 1 })));
    await expect(vague.run(PROGRAM, { caller: 'a' })).rejects.toMatchObject({ code: 'upstream_failed' });
  });

  it('ends with its caller, whose connection to the executor is closed', async () => {
    const left = new AbortController();
    const closed = Promise.withResolvers<void>();
    const { executor } = await executors('python', (response) => {
      response.on('close', () => closed.resolve());
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(event('stdout', { text: 'on' }));
    });
    const run = executor.run(PROGRAM, { caller: 'a', signal: left.signal, onOutput: () => left.abort() });
    await expect(run).rejects.toMatchObject({ code: 'cancelled' });
    await closed.promise;
  });
});

describe('the bounds on what an executor sends', () => {
  it('end a run whose event does not end, after a bounded number of bytes', async () => {
    const environment = { CODE_MAX_OUTPUT_BYTES: '1000' };
    let sent = 0;
    const { executor } = await executorsWith(environment, 'python', async (response) => {
      const closed = Promise.withResolvers<void>();
      response.on('close', closed.resolve).on('error', () => {});
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('event: stdout\ndata: {"text":"');
      const piece = 'x'.repeat(16_384);
      while (!response.closed && sent < 64 * 1024 * 1024) {
        sent += piece.length;
        if (!response.write(piece))
          await Promise.race([new Promise((resolve) => response.once('drain', resolve)), closed.promise]);
        else await new Promise((resolve) => setImmediate(resolve));
      }
    });
    const run = executor.run(PROGRAM, { caller: 'a' });
    await expect(run).rejects.toMatchObject({
      code: 'upstream_failed',
      message: expect.stringContaining('CODE_MAX_OUTPUT_BYTES'),
    });
    // What is above the bound stood in the buffers of the two sockets.
    expect(sent).toBeLessThan(maxEventBytes(1000) + 16 * 1024 * 1024);
  });

  it('parse 8 MB in pieces of one event in time linear in its bytes', async () => {
    const text = 'y'.repeat(8_000_000);
    const bytes = Buffer.from(event('stdout', { text }) + RESULT_EVENT);
    const { executor } = await executorsWith({ CODE_MAX_OUTPUT_BYTES: '8000000' }, 'python', async (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (let from = 0; from < bytes.length; from += 4_096)
        if (!response.write(bytes.subarray(from, from + 4_096)))
          await new Promise((resolve) => response.once('drain', resolve));
      response.end();
    });
    let heard = 0;
    const before = process.cpuUsage();
    await executor.run(PROGRAM, { caller: 'a', onOutput: (_name, part) => (heard += part.length) });
    expect(heard).toBe(text.length);
    // Splitting all that has arrived again for each piece took more than a minute of a core.
    expect(process.cpuUsage(before).user / 1e6).toBeLessThan(10);
  });

  it('hold output and result to the bounds of this server where an executor has larger ones', async () => {
    const long = { ...RESULT, stdout: 'ü'.repeat(100), stderr: 'e'.repeat(101) };
    const told = stream(
      event('stdout', { text: 'ü'.repeat(60) }),
      event('stdout', { text: 'ü' }),
      event('result', long),
    );
    const { executor } = await executorsWith({ CODE_MAX_OUTPUT_BYTES: '99' }, 'python', told);
    let heard = '';
    const result = await executor.run(PROGRAM, {
      caller: 'a',
      onOutput: (_name, part) => {
        heard += part;
      },
    });
    expect(heard).toBe('ü'.repeat(49));
    expect(result).toEqual({ ...long, stdout: 'ü'.repeat(49), stderr: 'e'.repeat(99), truncated: true });
  });

  it.each(['unauthorized', 'forbidden', 'rate_limited', 'origin_not_allowed', 'internal_error', 'not_found'])(
    'do not let it speak for this server: %s in a stream is a failure of the executor',
    async (code) => {
      const { executor } = await executors('python', stream(event('error', { error: 'No.', code })));
      await expect(executor.run(PROGRAM, { caller: 'a' })).rejects.toMatchObject({ code: 'upstream_failed' });
    },
  );

  it('end an endless response to validate, and to health', async () => {
    const endless: Responder = async (response) => {
      response.on('error', () => {});
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write('{"status":"');
      for (let count = 0; count < 1_000 && !response.destroyed; count++) {
        response.write('x'.repeat(16_384));
        await new Promise((resolve) => setImmediate(resolve));
      }
      response.destroy();
    };
    const { executor } = await executors('python', endless);
    await expect(executor.validate(PROGRAM)).rejects.toMatchObject({ code: 'language_unavailable' });
    expect(await executor.health()).toMatchObject({ status: 'unavailable' });
  });
});

describe('several executors of a language', () => {
  const refuse =
    (status: number, code: string): Responder =>
    (response) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ error: 'No.', code }));
    };

  it('are asked in turn, and the next where one is busy', async () => {
    const { executor, seen } = await executors('python', refuse(503, 'runner_busy'), good);
    for (let time = 0; time < 4; time++) expect(await executor.run(PROGRAM, { caller: 'a' })).toEqual(RESULT);
    // A busy one is alive, and is asked again whenever it is its turn.
    expect(seen).toEqual([2, 4]);
  });

  it('tell what the last of them said where none has room', async () => {
    const { executor } = await executors('python', refuse(503, 'runner_busy'), refuse(429, 'rate_limited'));
    await expect(executor.run(PROGRAM, { caller: 'a' })).rejects.toMatchObject({ code: 'runner_busy' });
  });

  it('are not asked again for what is wrong in itself', async () => {
    const { executor, seen } = await executors('python', refuse(400, 'invalid_request'), good);
    await expect(executor.run(PROGRAM, { caller: 'a' })).rejects.toMatchObject({ code: 'invalid_request' });
    expect(seen).toEqual([1, 0]);
  });

  it('validate: with all files, and the next where one is lost', async () => {
    const valid = { isValid: false, errors: [{ line: 1, column: 2, message: 'no' }], warnings: [] };
    let asked = '';
    const { executor, seen } = await executors(
      'python',
      (response) => response.destroy(),
      async (response, request) => {
        request.on('data', (chunk: Buffer) => {
          asked += chunk;
        });
        request.on('end', () =>
          response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(valid)),
        );
      },
    );
    const files = [{ name: 'a.py', content: 'A = 1' }];
    expect(await executor.validate({ language: 'python', code: 'x', files })).toEqual(valid);
    expect(JSON.parse(asked)).toEqual({ code: 'x', files });
    expect(seen).toEqual([1, 1]);
  });

  it('refuse here what is wrong without asking anybody', async () => {
    const { executor, seen } = await executors('python', good);
    const large = { language: 'python', code: 'x'.repeat(50_001) };
    await expect(executor.run(large, { caller: 'a' })).rejects.toMatchObject({ code: 'code_too_large' });
    await expect(executor.validate(large)).rejects.toMatchObject({ code: 'code_too_large' });
    expect(seen).toEqual([0]);
  });
});

describe('the time of a run elsewhere', () => {
  it('has a compiler’s in it where there is one', () => {
    const settings = readConfig({ CODE_COMPILE_TIMEOUT_SECONDS: '40' });
    const time = (id: string) => maxRunMs(findLanguage(id) ?? {}, 10, settings);
    expect(time('python')).toBe(10_000);
    expect(time('typescript')).toBe(10_000);
    for (const id of ['java', 'cpp', 'go', 'rust']) expect(time(id)).toBe(50_000);
  });
});
