import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gatewayRoute } from '#lib/gateway/fetch-handler';
import { templateOf } from '#lib/openapi/document';
import { OPERATIONS } from '#lib/openapi/operations';
import { SUPPORTED_ENDPOINTS, unsupportedApi } from '#lib/server/unsupported-api';
import { type ChatServer, chatServer } from '../support/chat-server.ts';

let s: ChatServer;

beforeAll(async () => {
  s = await chatServer();
});

afterAll(() => s.close());

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND'];
const OPENAI = [
  '/v1',
  '/v1/',
  '/v1/moderations',
  '/v1/files',
  '/v1/responses/a/b',
  '/v1/chat',
  '/v1/audio',
  '/v1/models/',
];
const OLLAMA = ['/api/status', '/api/signout', '/api/blobs/'];
const cases = (paths: string[]) => paths.flatMap((path) => METHODS.map((method) => [method, path] as const));

/**
 * With a body where the method may have one; undici's fetch would not send some of these methods.
 */
function send(method: string, path: string): Promise<{ status: number; allow: string | undefined; body: string }> {
  return new Promise((resolve, reject) => {
    const body = method === 'GET' || method === 'HEAD' ? '' : '{}';
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const sent = httpRequest(s.url + path, { method, headers, timeout: 5_000 }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, allow: response.headers.allow, body: text }),
      );
    });
    sent.on('timeout', () => sent.destroy(new Error('no answer'))).on('error', reject);
    sent.end(body);
  });
}

describe('a path of another API that is not offered', () => {
  it.each(cases(OPENAI))('%s %s responds with 404 as OpenAI does, and lists the paths', async (method, path) => {
    const { status, body } = await send(method, path);
    expect(status).toBe(404);
    if (method === 'HEAD') return;
    const { error } = JSON.parse(body);
    expect(error).toMatchObject({ type: 'invalid_request_error', code: 'not_found', param: null });
    expect(error.message).toContain('POST /v1/chat/completions');
  });

  it.each(cases(OLLAMA))('%s %s responds with 404 as Ollama does', async (method, path) => {
    const { status, body } = await send(method, path);
    expect(status).toBe(404);
    if (method !== 'HEAD') expect(JSON.parse(body).error).toContain('POST /api/chat');
  });

  it('names every route that is offered, and none besides', () => {
    for (const api of ['OpenAI', 'Anthropic', 'Ollama'] as const) {
      const offered = OPERATIONS.filter(({ tag }) => tag === api);
      expect(SUPPORTED_ENDPOINTS[api]).toEqual(
        offered.map(({ method, path }) => `${method.toUpperCase()} ${templateOf(path)}`),
      );
    }
  });

  it.each(['/v1/messages/batches', '/v1/files', '/v1/moderations'])(
    'responds to a client of Anthropic’s API at %s as Anthropic does',
    async (path) => {
      const response = await fetch(s.url + path, { method: 'POST', headers: { 'anthropic-version': '2023-06-01' } });
      expect(response.status).toBe(404);
      const { type, error, request_id: id } = await response.json();
      expect([type, error.type, error.details]).toEqual(['error', 'not_found_error', { error_code: 'not_found' }]);
      expect(error.message).toContain('POST /v1/messages');
      expect(response.headers.get('request-id')).toBe(id);
    },
  );

  it('responds the same if Next serves it', async () => {
    const { POST } = gatewayRoute('/[...path]', unsupportedApi);
    const reply = await POST(new Request('http://localhost/v1/moderations', { method: 'POST' }));
    expect(reply.status).toBe(404);
    expect(await reply.json()).toMatchObject({ error: { code: 'not_found' } });
  });

  it('asks for a key where keys are set', async () => {
    await s.close();
    s = await chatServer({ API_KEYS: 'a-key-of-sixteen-characters' });
    expect(await send('POST', '/v1/moderations')).toMatchObject({ status: 401 });
    await s.close();
    s = await chatServer();
  });
});

describe('a method that a route of another API does not have', () => {
  it.each([
    ['GET', '/v1/chat/completions', 'POST, OPTIONS'],
    ['PROPFIND', '/v1/chat/completions', 'POST, OPTIONS'],
    ['POST', '/v1/models', 'GET, HEAD, OPTIONS'],
  ])('%s %s responds with 405 as OpenAI does', async (method, path, allow) => {
    const result = await send(method, path);
    expect([result.status, result.allow]).toEqual([405, allow]);
    expect(JSON.parse(result.body).error).toMatchObject({ code: 'method_not_allowed', type: 'invalid_request_error' });
  });
});
