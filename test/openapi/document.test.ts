import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { WebRequest } from '#lib/http/http-request';
import type { RouteHandler } from '#lib/http/route';
import { apiReference, exampleRequest } from '#lib/openapi/api-reference';
import { openApiDocument, templateOf } from '#lib/openapi/document';
import type { Operation } from '#lib/openapi/operation';
import { OPERATIONS } from '#lib/openapi/operations';
import { findRouteFiles } from '#lib/server/route-table';
import { EXAMPLE_LANGUAGES, type ExampleLanguage, exampleCode } from '../../components/api-reference/example-code.ts';
import { addressOf, complaints, isValid } from '../support/openapi-check.ts';
import { type RunningApp, startApp } from '../support/running-app.ts';

const document = openApiDocument();

describe('the OpenAPI document', () => {
  it('has every route with the methods that it serves, and no other', async () => {
    type Exports = Record<string, RouteHandler | undefined>;
    const load = async (file: string) => (await import(pathToFileURL(file).href)) as Exports;
    const routes = await findRouteFiles(join(process.cwd(), 'app'), load);
    const responded: Record<string, string[]> = {};
    for (const { pattern, value } of routes) responded[templateOf(pattern)] = await methodsOf(value);
    const told = Object.fromEntries(
      Object.entries(document.paths).map(([path, methods]) => [path, Object.keys(methods).sort()]),
    );
    expect(told).toEqual(responded);
  });

  it('is valid OpenAPI 3.1', async () => {
    const result = await new Validator().validate(structuredClone(document));
    expect(result.errors ?? []).toEqual([]);
    expect(result.valid).toBe(true);
  });

  it('has only references that lead somewhere, and no schema that nothing leads to', () => {
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)];
    const names = Object.keys(document.components.schemas).sort();
    expect([...new Set(references.map((found) => found[1]))].sort()).toEqual(names);
  });

  it('names every operation once, and asks for parameters that its path has', () => {
    const ids = OPERATIONS.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { path, parameters = [] } of OPERATIONS) {
      const inPath = parameters.filter((one) => one.in === 'path').map(({ name }) => name);
      expect(inPath).toEqual([...templateOf(path).matchAll(/\{(\w+)\}/g)].map((found) => found[1]));
    }
  });

  it('has an example for everything except the backend’s responses, and their bodies are valid', () => {
    for (const { id, examples, body, passesOn } of OPERATIONS) {
      if (passesOn !== true) expect(examples, id).not.toEqual([]);
      for (const example of examples) {
        expect(example.body !== undefined, `${id}: ${example.summary}`).toBe(body !== undefined);
        if (body !== undefined) expect([body.schema].flat().some((name) => isValid(name, example.body))).toBe(true);
      }
    }
  });
});

describe('the reference', () => {
  const reader = { origin: 'http://localhost:3000', needsKey: false };
  const reference = apiReference(reader);

  it('shows every operation, and links to schemas that it shows', () => {
    const shown = reference.groups.flatMap(({ operations }) => operations);
    expect(shown.map(({ id }) => id).sort()).toEqual(OPERATIONS.map(({ id }) => id).sort());
    const names = new Set(reference.schemas.map(({ name }) => name));
    const linked = reference.schemas.flatMap(({ fields }) =>
      fields.flatMap(({ type }) => type.map(({ schema }) => schema)),
    );
    for (const name of linked) if (name !== undefined) expect(names).toContain(name);
    for (const { fields, name } of reference.schemas) expect(fields.length, name).toBeGreaterThan(0);
  });

  it('shows every response header of the document, and X-Request-Id at the top', () => {
    const shown = reference.groups.flatMap(({ operations }) =>
      operations.flatMap(({ id, responses }) =>
        responses.flatMap(({ headers }) => headers.map(({ name }) => `${id} ${name}`)),
      ),
    );
    const documented = OPERATIONS.flatMap(({ id, responses }) =>
      Object.values(responses).flatMap(({ headers = {} }) => Object.keys(headers).map((name) => `${id} ${name}`)),
    );
    expect(shown).toEqual(expect.arrayContaining(documented));
    expect(shown).toEqual(expect.arrayContaining(['chat X-Ignored-Fields', 'runCode X-Execution-Time-Ms']));
  });

  it.each(EXAMPLE_LANGUAGES)(
    'writes what a chat streams as it arrives, in $label',
    async ({ value: language }) => {
      const [operation] = OPERATIONS;
      const example = operation?.examples.find(({ summary }) => summary === 'The same, streamed');
      if (operation === undefined || example === undefined) throw new Error('there is no such example');
      const first = 'data: {"content":"first","done":false}\n\n';
      const last = 'data: {"done":true}\n\n';
      const open = Promise.withResolvers<ServerResponse>();
      const server = createServer((_, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' }).write(first);
        open.resolve(response);
      }).listen(0, '127.0.0.1');
      try {
        await once(server, 'listening');
        const origin = `http://127.0.0.1:${z.object({ port: z.number() }).parse(server.address()).port}`;
        const program = exampleCode(language, exampleRequest(operation, example, { origin, needsKey: false }));
        const child = spawn(...commandOf(language, program));
        let output = '';
        const arrived = new Promise<void>((resolve) => {
          child.stdout.on('data', (chunk) => {
            output += chunk;
            if (output === first) resolve();
          });
        });
        const response = await open.promise;
        await arrived;
        response.end(last);
        await once(child, 'close');
        expect(output).toBe(first + last);
      } finally {
        server.closeAllConnections();
        server.close();
      }
    },
    30_000,
  );

  it('says in Python why the server refused, and ends as failed', async () => {
    const [operation] = OPERATIONS;
    if (operation === undefined) throw new Error('there are no operations');
    const reason = '{"error":"Say what to do.","code":"invalid_request"}';
    const server = createServer((_, response) => response.writeHead(400).end(reason)).listen(0, '127.0.0.1');
    try {
      await once(server, 'listening');
      const origin = `http://127.0.0.1:${z.object({ port: z.number() }).parse(server.address()).port}`;
      const request = exampleRequest(operation, { summary: '', body: {} }, { origin, needsKey: false });
      const [command, flags] = commandOf('python', exampleCode('python', request));
      const run = promisify(execFile)(command, flags);
      await expect(run).rejects.toMatchObject({ code: 1, stderr: `${reason}\n` });
    } finally {
      server.close();
    }
  });

  it('quotes what a shell would read', () => {
    const [operation] = OPERATIONS;
    if (operation === undefined) throw new Error('there are no operations');
    const curl = exampleCode('curl', exampleRequest(operation, { summary: '', body: { say: "it's $HOME" } }, reader));
    expect(curl).toContain(`-d '{"say":"it'\\''s $HOME"}'`);
    expect(curl).not.toContain('Authorization');
  });
});

describe('the table of routes in docs/contract.md', () => {
  const rows = [
    ...readFileSync('docs/contract.md', 'utf8').matchAll(/^\| (`\/.*?`) \| ([A-Za-z, ]+) \| (key|anyone)[^|]* \|/gm),
  ];
  const told = rows.flatMap(([, paths = '', methods = '', who]) =>
    [...paths.matchAll(/`([^`]+)`/g)].flatMap(([, path]) =>
      (methods === 'any' ? 'GET, POST, PUT, PATCH, DELETE' : methods)
        .split(', ')
        .map((method) => `${method} ${path}: ${who}`),
    ),
  );

  it('says who may call each route, as it is', () => {
    const meant = OPERATIONS.map(
      ({ method, path, access }) =>
        `${method.toUpperCase()} ${templateOf(path)}: ${access === 'open' ? 'anyone' : 'key'}`,
    );
    expect(told.sort()).toEqual(meant.sort());
  });
});

/** A part of a response must fit one of several schemas: a body that fits none is reported. */
describe('the check of responses', () => {
  const [chat] = OPERATIONS;

  it.each([
    [418, 'application/json', '{}', 'status 418'],
    [200, 'text/html', '<p>', 'text/html'],
    [200, 'application/json', '{"message":1}', 'none of ChatAnswer'],
    [200, 'text/event-stream', 'data: {"done":"yes"}\n\n', 'none of ChatEvent'],
    [200, 'text/event-stream', 'event: other\ndata: {"done":true}\n\n', 'event other'],
    [200, 'text/event-stream', 'data: {"done":true}', 'in the middle'],
  ])('refuses %s %s %s', (status, type, text, words) => {
    if (chat === undefined) throw new Error('there are no operations');
    expect(complaints(chat, { status, type, text }).join()).toContain(words);
  });
});

describe('its examples, against a running app', () => {
  let app: RunningApp;

  beforeAll(async () => {
    app = await startApp('server', { LOG_LEVEL: 'silent', API_KEYS: 'your-key' });
  });

  afterAll(async () => {
    await app.stop();
  });

  // test/chat/pass-through.test.ts has those of a model server, test/people those of accounts.
  const served = OPERATIONS.filter(
    ({ needsModelServer, needsAccounts }) => needsModelServer !== true && needsAccounts !== true,
  );
  const cases = served.flatMap((operation) =>
    operation.examples.map((example) => [`${operation.id}: ${example.summary}`, operation, example] as const),
  );

  it.each(cases)(
    '%s',
    async (_name, operation, { body, headers, path, query }) => {
      const response = await fetch(app.url + addressOf(operation, path, query), {
        method: operation.method.toUpperCase(),
        headers: {
          authorization: 'Bearer your-key',
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        body: body === undefined ? null : JSON.stringify(body),
      });
      const text = await response.text();
      // What has ended cannot be cancelled, as the example says.
      const expected = operation.id === 'cancel' ? [200, 409] : [200, 201, 202, 204];
      expect(expected, text).toContain(response.status);
      const type = response.headers.get('content-type') ?? '';
      expect(complaints(operation, { status: response.status, type, text })).toEqual([]);
      if (headers?.Accept !== undefined) expect(type).toContain(headers.Accept);
    },
    120_000,
  );

  it('every curl line of the reference works as it stands', async () => {
    const reader = { origin: app.url, needsKey: true };
    const lines = served.flatMap((operation) =>
      operation.examples.map(
        (example) =>
          `${exampleCode('curl', exampleRequest(operation, example, reader))} -sS -o /dev/null -w '%{http_code}\\n'`,
      ),
    );
    const options = { env: { ...process.env, KEY: 'your-key' } };
    const { stdout, stderr } = await promisify(execFile)('bash', ['-c', lines.join('\n')], options);
    expect(stderr).toBe('');
    // The same id is submitted a second time, and its request has ended before it can be
    // cancelled.
    expect(new Set(stdout.trim().split('\n'))).toEqual(new Set(['200', '201', '202', '204', '409']));
    expect(stdout.match(/409/g)).toHaveLength(1);
    expect(stdout.trim().split('\n')).toHaveLength(lines.length);
  }, 300_000);

  it.each(['javascript', 'python'] as const)(
    'every example works as it stands in %s',
    async (language) => {
      const reader = { origin: app.url, needsKey: true };
      const programs = OPERATIONS.filter(
        // The curl lines add the backend of `adminBackend`, and remove it.
        ({ id, method, needsAccounts }) => method === 'get' && needsAccounts !== true && id !== 'adminBackend',
      ).flatMap((operation) =>
        operation.examples.map((example) => exampleCode(language, exampleRequest(operation, example, reader))),
      );
      const posts = OPERATIONS.filter(({ id }) => id === 'runCode' || id === 'validate' || id === 'chat');
      programs.push(
        ...posts.flatMap((operation) =>
          operation.examples.map((example) => exampleCode(language, exampleRequest(operation, example, reader))),
        ),
      );
      expect(programs.length).toBeGreaterThan(20);
      const options = { env: { ...process.env, KEY: 'your-key' } };
      for (const program of programs) {
        const { stdout, stderr } = await promisify(execFile)(...commandOf(language, program), options);
        expect([program, stderr]).toEqual([program, '']);
        expect(stdout, program).not.toMatch(/"code":\s*"(unauthorized|invalid_json|invalid_request)"/);
      }
    },
    300_000,
  );

  it('asks for a key exactly where the document says so', async () => {
    for (const operation of OPERATIONS.filter(({ passesOn }) => passesOn !== true)) {
      const { method, access } = operation;
      const path = { language: 'python', model: 'x', file: 'frame', id: 'x', all: 'options' };
      const response = await fetch(app.url + addressOf(operation, path), { method: method.toUpperCase() });
      const { code } = z
        .object({ code: z.string().optional() })
        .catch({})
        .parse(await read(response));
      expect(code === 'unauthorized', `${operation.id}: ${response.status}`).toBe(access === 'key');
    }
  });
});

/** How a person would run an example. */
function commandOf(language: ExampleLanguage, program: string): [command: string, flags: string[]] {
  if (language === 'curl') return ['bash', ['-c', program]];
  return language === 'python'
    ? ['python3', ['-c', program]]
    : [process.execPath, ['--input-type=module', '-e', program]];
}

async function read(response: Response): Promise<unknown> {
  const text = await response.text();
  if (!(response.headers.get('content-type') ?? '').includes('json')) return {};
  const body: unknown = JSON.parse(text);
  // OpenAI's errors have theirs one level down.
  const inner = z.object({ error: z.object({ code: z.string() }) }).safeParse(body);
  if (inner.success) return inner.data.error;
  // Anthropic's errors have theirs two levels down.
  const details = z.object({ error: z.object({ details: z.object({ error_code: z.string() }) }) }).safeParse(body);
  return details.success ? { code: details.data.error.details.error_code } : body;
}

/** What OPTIONS says; what the gateway's route files export is the same for all methods. */
async function methodsOf(module: Record<string, RouteHandler | undefined>): Promise<Operation['method'][]> {
  const all: Operation['method'][] = ['delete', 'get', 'head', 'patch', 'post', 'put'];
  const options = module.OPTIONS;
  if (options === undefined || !('reply' in options)) return all.filter((method) => method !== 'head');
  const { headers } = await options.reply(new WebRequest(new Request('http://localhost/')), { params: {} });
  const allowed = (headers.allow ?? '').toLowerCase().split(', ');
  // Every GET serves HEAD as well.
  return all.filter((method) => allowed.includes(method) && !(method === 'head' && allowed.includes('get')));
}
