import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { ChaosRequest } from './client.ts';
import { outcomeOf, type RequestRecord } from './outcomes.ts';
import { sampleText } from './sample-record.ts';

const QUESTION = { mark: 'q1', words: 6, paceMs: 1 };
const WHOLE = sampleText('q1', 6);
let server: Server | undefined;

afterEach(async () => {
  server?.closeAllConnections();
  await new Promise((closed) => server?.close(closed) ?? closed(undefined));
});

type Handler = (response: ServerResponse, request: IncomingMessage) => void;

/** Each request takes the next handler. Returns the requests: method, path and what matters. */
async function serve(...handlers: Handler[]): Promise<{ url: string; seen: string[] }> {
  const seen: string[] = [];
  server = createServer((request, response) => {
    const { 'last-event-id': last, 'idempotency-key': key } = request.headers;
    seen.push([request.method, request.url, last && `after ${last}`, key && `key ${key}`].filter(Boolean).join(' '));
    request.resume();
    const handler = handlers[seen.length - 1];
    if (handler === undefined) response.writeHead(500).end('{"error":"Too many requests.","code":"too_many"}');
    else handler(response, request);
  });
  await new Promise<void>((listening) => server?.listen(0, '127.0.0.1', listening));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

const json =
  (status: number, body: object, headers: Record<string, string> = {}): Handler =>
  (response) =>
    response.writeHead(status, headers).end(JSON.stringify(body));

const HEAD = { 'content-type': 'text/event-stream', 'x-request-id': 'id-1' };
const data = (event: object) => `data: ${JSON.stringify(event)}\n\n`;
const event = (id: number, content: string) => `id: ${id}\nevent: content\n${data({ content })}`;
const words = (from: number, count: number) =>
  Array.from({ length: count }, (_, index) => event(from + index, sampleText('q1', 1, from + index))).join('');
const DONE = `id: 7\nevent: done\n${data({ done: true })}`;

/** A stream with this text, which ends in good order or breaks. */
const streamed =
  (text: string, isCut = false): Handler =>
  (response) => {
    response.writeHead(200, HEAD).write(text);
    if (isCut) setTimeout(() => response.destroy(), 20);
    else response.end();
  };

const refused = (code: string, status: number) => json(status, { error: 'No.', code }, { 'retry-after': '0' });
const accepted = json(202, { request_id: 'id-1' });
const entry = (some: object) => json(200, { status: 'completed', message: { content: WHOLE }, ...some });

const requestTo = (url: string) => new ChaosRequest(url, 1, 'test', QUESTION);
const codesOf = ({ refusals }: RequestRecord) => refusals.map(({ code }) => code);

describe('a streamed request', () => {
  it('asks for its stream by its id where the connection breaks, and reads it from the beginning', async () => {
    const part = data({ content: sampleText('q1', 2) });
    const { url, seen } = await serve(streamed(part, true), streamed(words(1, 6) + DONE));
    const record = await requestTo(url).run((request) => request.stream(QUESTION));
    expect(seen).toEqual(['POST /api/chat-optimized', 'GET /api/chat-queue?requestId=id-1']);
    expect(outcomeOf(record)).toBe('whole');
    expect(record).toMatchObject({ isAccepted: true, resumed: 1, resentMs: [], requestIds: ['id-1'] });
    expect(codesOf(record)).toEqual(['connection_lost']);
  });

  it('is sent again where no server knows it any more', async () => {
    const { url, seen } = await serve(
      streamed(data({ content: sampleText('q1', 2) }), true),
      refused('not_found', 404),
      streamed(data({ content: WHOLE }) + data({ done: true })),
    );
    const record = await requestTo(url).run((request) => request.stream(QUESTION));
    expect(seen.filter((line) => line.startsWith('POST'))).toHaveLength(2);
    expect(outcomeOf(record)).toBe('whole');
    expect(record.resentMs).toHaveLength(1);
    expect(codesOf(record)).toEqual(['connection_lost', 'not_found']);
  });

  it('goes on elsewhere where its server stops', async () => {
    const stopping = data({ done: true, error: 'Stops.', code: 'shutting_down', request_id: 'id-1' });
    const { url } = await serve(streamed(stopping), streamed(words(1, 6) + DONE));
    const record = await requestTo(url).run((request) => request.stream(QUESTION));
    expect(outcomeOf(record)).toBe('whole');
    expect(codesOf(record)).toEqual(['shutting_down']);
  });

  it('ends with the error of its last event', async () => {
    const { url } = await serve(
      streamed(data({ content: sampleText('q1', 2) }) + data({ done: true, error: 'Lost.', code: 'worker_lost' })),
    );
    const record = await requestTo(url).run((request) => request.stream(QUESTION));
    expect([outcomeOf(record), record.end]).toEqual(['failed', { type: 'failed', code: 'worker_lost' }]);
    expect(codesOf(record)).toEqual(['worker_lost']);
  });
});

describe('a queued request', () => {
  it('resumes behind the last event that it has, also where the client itself breaks the stream', async () => {
    const { url, seen } = await serve(
      accepted,
      streamed(words(1, 6)),
      streamed(words(3, 2), true),
      streamed(words(5, 2) + DONE),
    );
    const record = await requestTo(url).run(async (request) =>
      request.follow(await request.submit(QUESTION, 'key-1'), { cuts: [2] }),
    );
    expect(seen).toEqual([
      'POST /api/chat-queue key key-1',
      'GET /api/chat-queue?requestId=id-1',
      'GET /api/chat-queue?requestId=id-1 after 2',
      'GET /api/chat-queue?requestId=id-1 after 4',
    ]);
    expect(outcomeOf(record)).toBe('whole');
    expect(record.resumed).toBe(2);
    // Its own cut is none.
    expect(codesOf(record)).toEqual(['connection_lost']);
  });

  it('forgets the text of a server that was lost with it', async () => {
    const restarted = `event: status\n${data({ status: 'processing', restarted: true, done: false })}`;
    const { url } = await serve(streamed(words(1, 4), true), streamed(restarted + words(1, 6) + DONE));
    const record = await requestTo(url).run((request) => request.follow('id-1'));
    expect(outcomeOf(record)).toBe('whole');
  });

  it('is polled for its response where it has had the last event', async () => {
    const { url } = await serve((response) => response.writeHead(204).end(), entry({}));
    const record = await requestTo(url).run((request) => request.follow('id-1'));
    expect(outcomeOf(record)).toBe('whole');
  });

  it('is polled until it has ended, also where a server does not know it', async () => {
    const { url } = await serve(
      json(202, { request_id: 'id-1', saved: false }),
      refused('not_found', 404),
      refused('queue_full', 503),
      entry({}),
    );
    const record = await requestTo(url).run(async (request) => request.poll(await request.submit(QUESTION, 'key-1')));
    expect(outcomeOf(record)).toBe('whole');
    expect(record).toMatchObject({ isAccepted: true, isSaved: false, keyedIds: ['id-1'] });
    expect(codesOf(record)).toEqual(['not_found', 'queue_full (no reason)']);
  });

  it('is submitted with the same key until a server accepts it', async () => {
    const { url, seen } = await serve(
      (response) => response.destroy(),
      refused('shutting_down', 503),
      accepted,
      entry({}),
    );
    const record = await requestTo(url).run(async (request) => request.poll(await request.submit(QUESTION, 'key-1')));
    expect(seen.slice(0, 3)).toEqual(Array(3).fill('POST /api/chat-queue key key-1'));
    // It is no other request.
    expect(record.resentMs).toEqual([]);
    expect(outcomeOf(record)).toBe('whole');
  });

  it('is cancelled, also where the reply to that is lost', async () => {
    const { url } = await serve(
      (response) => response.destroy(),
      refused('already_finished', 409),
      entry({ status: 'cancelled', message: undefined, code: 'cancelled' }),
    );
    const record = await requestTo(url).run(async (request) => {
      await request.cancel('id-1');
      return await request.poll('id-1');
    });
    expect(outcomeOf(record)).toBe('cancelled');
    expect(record.cancelledMs).toBeGreaterThanOrEqual(record.startedMs);
    expect(codesOf(record)).toEqual(['connection_lost']);
  });

  it('has failed where it was cancelled without being asked to', async () => {
    const { url } = await serve(entry({ status: 'cancelled', message: undefined, code: 'cancelled' }));
    const record = await requestTo(url).run((request) => request.poll('id-1'));
    expect(outcomeOf(record)).toBe('failed');
    expect(codesOf(record)).toEqual(['cancelled']);
  });
});

describe('a request for JSON', () => {
  it('is sent again after a 503, and not after another error', async () => {
    const { url, seen } = await serve(refused('provider_unavailable', 503), refused('upstream_failed', 502));
    const record = await requestTo(url).run(async (request) => {
      await request.chat(QUESTION);
      return { type: 'whole' };
    });
    expect(seen).toHaveLength(2);
    expect(record.resentMs).toHaveLength(1);
    expect([outcomeOf(record), record.end]).toEqual(['failed', { type: 'failed', code: 'upstream_failed' }]);
  });

  it('has failed where a reply is not as the contract says', async () => {
    const { url } = await serve(json(200, { status: 'unheard of' }));
    const record = await requestTo(url).run((request) => request.poll('id-1'));
    expect(record.end).toEqual({ type: 'failed', code: 'unexpected' });
    expect(codesOf(record)).toEqual(['unexpected']);
  });
});
