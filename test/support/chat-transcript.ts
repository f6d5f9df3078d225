import { expect, vi } from 'vitest';
import { type FaultyModelServer, ollama, type Script, startFaultyModelServer } from './faulty-model-server.ts';
import { questionOf, scriptOf } from './obedient-model.ts';

/**
 * One client that uses every way to a response, one request after the other, and writes down each
 * reply without what differs from run to run: behind any number of servers it is the same.
 */

/** One reply. Ids are numbered in the order in which they are first seen. */
export interface TranscriptLine {
  readonly step: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

export interface GatedModel {
  readonly model: FaultyModelServer;
  /** Lets responses to questions that begin with "gated" go on after their first word. */
  open(): void;
}

export async function startGatedModel(): Promise<GatedModel> {
  const model = await startFaultyModelServer();
  const gate = Promise.withResolvers<void>();
  const half: Script = [
    ...[{ send: ollama.text('one ') }, { wait: gate.promise }],
    ...[{ send: ollama.text('two') }, { send: ollama.done() }],
  ];
  model.choose((body) => (questionOf(body).startsWith('gated') ? half : scriptOf(body)));
  return { model, open: gate.resolve };
}

/** Of the connection, of the time, or of the length that ids and times have. */
const IGNORED_HEADERS = /^(?:connection|keep-alive|date|content-length|transfer-encoding|age|server-timing)$/;
/** Times, and figures that are measured. */
const MEASURED = /^(?:.*_ms|.*_duration|created|.*_at|estimated_wait_time|timestamp|x-queue-wait-ms)$/;
const UUID = /[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}/g;
const READ_MS = 30_000;
/** So many replies in a row are of all servers, or of nearly all. */
const TIMES = 8;
const PATIENT = { timeout: READ_MS, interval: 50 };

/** `url` is that of one server, or of what is in front of several. */
export async function chatTranscript(url: string, { open }: Pick<GatedModel, 'open'>): Promise<TranscriptLine[]> {
  const lines: TranscriptLine[] = [];
  const names = new Map<string, string>();
  const withoutIds = (text: string) =>
    text.replaceAll(UUID, (id) => {
      const name = names.get(id) ?? `id ${names.size + 1}`;
      names.set(id, name);
      return name;
    });
  const plain = (value: unknown): unknown =>
    JSON.parse(withoutIds(JSON.stringify(value)), (key, inner) => {
      if (MEASURED.test(key)) return 'measured';
      // A shared queue says so before a worker has taken it.
      return key === 'status' && (inner === 'queued' || inner === 'in_progress') ? 'begun' : inner;
    });

  const send = (method: string, path: string, body?: object, headers: Record<string, string> = {}) =>
    fetch(url + path, {
      method,
      // So that a server behind a shared port gets no second request of a connection.
      headers: { connection: 'close', ...(body && { 'content-type': 'application/json' }), ...headers },
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(READ_MS),
    });
  /** The body as it came: JSON, or the events of a stream without those that report a state. */
  const call = (step: string, ...request: Parameters<typeof send>) => callAndRead(step, () => {}, ...request);
  /** `onText` gets all that has come each time that there is more. */
  const callAndRead = async (
    step: string,
    onText: (text: string) => void,
    ...request: Parameters<typeof send>
  ): Promise<{ [field: string]: unknown }> => {
    const place = lines.push({ step, status: 0, headers: {}, body: undefined }) - 1;
    const { status, headers, ...response } = await readWhole(send(...request), onText);
    const kept = [...headers].filter(([name]) => !IGNORED_HEADERS.test(name));
    const written = Object.fromEntries(
      kept.map(([name, value]) => [name, MEASURED.test(name) ? 'measured' : withoutIds(value)]),
    );
    const body = response.body === undefined ? undefined : plain(response.body);
    lines[place] = { step, status, headers: written, body };
    return Object(response.body);
  };
  const entryOf = async (id: unknown) => await (await send('GET', `/api/chat-queue?requestId=${id}`)).json();
  const reaches = (id: unknown, status: string) =>
    everywhere(async () => expect((await entryOf(id)).status).toBe(status));
  const SSE = { accept: 'text/event-stream' };
  const said = (content: string) => ({ messages: [{ role: 'user', content }] });

  // Submit, poll, stream, resume.
  const { request_id: gated } = await call('submit', 'POST', '/api/chat-queue', said('gated'));
  await reaches(gated, 'processing');
  await call('poll while it runs', 'GET', `/api/chat-queue?requestId=${gated}`);
  const watched = call('stream', 'GET', `/api/chat-queue?requestId=${gated}`, undefined, SSE);
  open();
  await watched;
  await reaches(gated, 'completed');
  await call('poll at the end', 'GET', `/api/chat-queue?requestId=${gated}`);
  for (const after of ['0', '1', '2', '3'])
    await call(`resume after ${after}`, 'GET', `/api/chat-queue?requestId=${gated}`, undefined, {
      ...SSE,
      'last-event-id': after,
    });
  await call('cancel too late', 'DELETE', `/api/chat-queue?requestId=${gated}`);

  // Cancel.
  const { request_id: hanging } = await call('submit what hangs', 'POST', '/api/chat-queue', said('hang after a word'));
  await reaches(hanging, 'processing');
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const handleText = (text: string) => void (text.includes('"one "') && begin());
  const path = `/api/chat-queue?requestId=${hanging}`;
  const cut = callAndRead('stream of what is cancelled', handleText, 'GET', path, undefined, SSE);
  await begun;
  await call('cancel', 'DELETE', `/api/chat-queue?requestId=${hanging}`);
  await cut;
  await reaches(hanging, 'cancelled');
  await call('poll what was cancelled', 'GET', `/api/chat-queue?requestId=${hanging}`);
  await call('cancel again', 'DELETE', `/api/chat-queue?requestId=${hanging}`);
  await call('poll what is unknown', 'GET', `/api/chat-queue?requestId=${crypto.randomUUID()}`);

  // The cache, an idempotency key, and a conversation.
  const whole = { ...said('known'), stream: false };
  await call('ask', 'POST', '/api/chat-optimized', whole);
  await call('ask again', 'POST', '/api/chat-optimized', whole);
  await call('ask again as a stream', 'POST', '/api/chat-optimized', said('known'));
  const key = { 'idempotency-key': 'a key' };
  const keyed = said('slow, with a key');
  const { request_id: once } = await call('submit with a key', 'POST', '/api/chat-queue', keyed, key);
  await reaches(once, 'completed');
  await call('submit with the same key', 'POST', '/api/chat-queue', keyed, key);
  await call('submit another with the key', 'POST', '/api/chat-queue', said('other'), key);
  for (const content of ['My name is Ada.', 'What is my name?', 'And how old am I?'])
    await call(content, 'POST', '/api/chat-optimized', { ...said(content), stream: false, conversation_id: 'talk' });

  // The APIs of others.
  const model = 'test';
  for (const stream of [false, true]) {
    await call('OpenAI', 'POST', '/v1/chat/completions', { model, ...said(`openai ${stream}`), stream });
    await call('Ollama', 'POST', '/api/chat', { model, ...said(`ollama ${stream}`), stream });
    await call('Anthropic', 'POST', '/v1/messages', { model, ...said(`anthropic ${stream}`), stream, max_tokens: 9 });
  }

  // A stored response in the background.
  const { id: stored } = await call('respond', 'POST', '/v1/responses', { model, input: 'slow', background: true });
  const stateOf = async (id: unknown) => (await (await send('GET', `/v1/responses/${id}`)).json()).status;
  const responds = (id: unknown, state: string) => everywhere(async () => expect(await stateOf(id)).toBe(state));
  await responds(stored, 'completed');
  await call('read the response', 'GET', `/v1/responses/${stored}`);
  await call('read its events', 'GET', `/v1/responses/${stored}?stream=true&starting_after=3`);
  await call('continue', 'POST', '/v1/responses', { model, input: 'second', previous_response_id: stored });
  const slow = { model, input: 'hang after it began', background: true };
  const { id: background } = await call('respond for long', 'POST', '/v1/responses', slow);
  await responds(background, 'in_progress');
  await call('cancel the response', 'POST', `/v1/responses/${background}/cancel`);
  await responds(background, 'cancelled');
  await call('delete the response', 'DELETE', `/v1/responses/${stored}`);
  await everywhere(async () => expect((await send('GET', `/v1/responses/${stored}`)).status).toBe(404));
  await call('read what is deleted', 'GET', `/v1/responses/${stored}`);
  return lines;
}

/** What one server knows, others learn a moment later. */
async function everywhere(check: () => Promise<void>): Promise<void> {
  const checkAll = async () => {
    for (let time = 0; time < TIMES; time++) await check();
  };
  await vi.waitFor(checkAll, PATIENT);
}

async function readWhole(
  sent: Promise<Response>,
  onText: (text: string) => void,
): Promise<{ status: number; headers: Headers; body: unknown }> {
  const { status, headers, body } = await sent;
  let text = '';
  for await (const chunk of body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += chunk;
    onText(text);
  }
  const isStream = /event-stream|ndjson/.test(headers.get('content-type') ?? '');
  return { status, headers, body: isStream ? eventsOf(text) : text === '' ? undefined : JSON.parse(text) };
}

/** Events with their numbers, and lines of JSON. A state has no number, and is left out. */
function eventsOf(text: string): unknown[] {
  if (!text.includes('data: ')) return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]));
  return text.split('\n\n').flatMap((event) => {
    const data = /^data: (.*)$/m.exec(event)?.[1];
    if (data === undefined) return [];
    const parsed = data === '[DONE]' ? data : JSON.parse(data);
    if (typeof parsed === 'object' && (parsed.status === 'queued' || parsed.status === 'processing')) return [];
    // It has the number of the last event, or of the one that ends the generation: a server that
    // learns of a cancellation from another one may know either first.
    const isCancelled = typeof parsed === 'object' && parsed.code === 'cancelled';
    return [{ id: isCancelled ? 'the end' : /^id: (.*)$/m.exec(event)?.[1], data: parsed }];
  });
}
