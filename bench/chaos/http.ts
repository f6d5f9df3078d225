/** HTTP as a careful client of this API speaks it: each request over another connection. */
import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { createParser } from 'eventsource-parser';
import { z } from 'zod';
import { CONNECTION_LOST, NO_RESPONSE } from './causes.ts';

/** Heartbeats come each 15 s: a stream that is silent for so long is dead. */
const SILENCE_MS = 45_000;

/** A reply that is an error, a connection that broke, or silence. */
export class Refused extends Error {
  readonly code: string;
  /** Undefined without a reply, and for the last event of a stream. */
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(code: string, message: string, status?: number, retryAfterMs?: number) {
    super(message);
    this.code = code;
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

export interface Sent {
  method?: 'GET' | 'POST' | 'DELETE';
  headers?: Readonly<Record<string, string>>;
  body?: unknown;
}

/** Resolves with the head of a reply of any status. Rejects with `Refused` without one. */
export function open(url: string, { method = 'GET', headers = {}, body }: Sent = {}): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const type = body === undefined ? {} : { 'content-type': 'application/json' };
    const outgoing = request(url, { agent: false, method, headers: { ...type, ...headers } });
    let reply: IncomingMessage | undefined;
    outgoing.setTimeout(SILENCE_MS, () => {
      // An ended request would have its reply end as a connection that broke.
      (reply ?? outgoing).destroy(new Refused(NO_RESPONSE, `${method} ${url}: silent for ${SILENCE_MS / 1_000} s`));
    });
    outgoing.on('error', (error) => reject(asRefused(error)));
    outgoing.on('response', (incoming) => {
      reply = incoming;
      resolve(incoming);
    });
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** What a failed request is to its client. Errors of sockets have a code; others are faults. */
export function asRefused(error: unknown): Refused {
  if (error instanceof Refused) return error;
  const message = error instanceof Error ? error.message : String(error);
  return error instanceof Error && 'code' in error
    ? new Refused(CONNECTION_LOST, message)
    : new Refused(UNEXPECTED, message, 0);
}

/** The code of a reply that is not as the contract says. No event explains it. */
const UNEXPECTED = 'unexpected';

const errorSchema = z.object({
  error: z.string(),
  code: z.string(),
  data: z.object({ reason: z.string().optional() }).optional(),
});

/** The code of an error; of a full queue only `elsewhere` is due to what the run does. */
export function codeOf(body: unknown): string {
  const { data } = errorSchema.safeParse(body);
  if (data === undefined) return 'no code';
  const reason = data.data?.reason;
  return data.code === 'queue_full' && reason !== 'elsewhere' ? `queue_full (${reason ?? 'no reason'})` : data.code;
}

export interface JsonReply {
  headers: IncomingHttpHeaders;
  status: number;
  body: unknown;
}

/** Rejects with `Refused` for a status from 400, and for a body that is not whole. */
export async function exchange(url: string, sent: Sent = {}): Promise<JsonReply> {
  const incoming = await open(url, sent);
  const body = await readJson(incoming);
  throwIfRefused(incoming, body);
  return { headers: incoming.headers, status: incoming.statusCode ?? 0, body };
}

/** The head of a stream. Rejects with `Refused` for a status from 400. */
export async function openStream(url: string, sent: Sent = {}): Promise<IncomingMessage> {
  const incoming = await open(url, sent);
  if ((incoming.statusCode ?? 0) >= 400) throwIfRefused(incoming, await readJson(incoming));
  return incoming;
}

function throwIfRefused({ statusCode = 0, headers }: IncomingMessage, body: unknown): void {
  if (statusCode < 400) return;
  const seconds = Number(headers['retry-after']);
  const retryAfterMs = Number.isFinite(seconds) ? seconds * 1_000 : undefined;
  throw new Refused(codeOf(body), String(JSON.stringify(body)).slice(0, 300), statusCode, retryAfterMs);
}

async function readJson(incoming: IncomingMessage): Promise<unknown> {
  let text = '';
  try {
    for await (const chunk of incoming.setEncoding('utf8')) text += chunk;
  } catch (error) {
    throw asRefused(error);
  }
  try {
    return text === '' ? undefined : JSON.parse(text);
  } catch {
    throw new Refused(UNEXPECTED, `no JSON: ${text.slice(0, 300)}`, incoming.statusCode);
  }
}

export interface StreamEvent {
  /** Undefined in a POST's stream, and for a status. */
  id: string | undefined;
  /** Empty in a POST's stream. */
  type: string;
  data: z.infer<typeof eventSchema>;
}

const eventSchema = z.object({
  content: z.string().optional(),
  done: z.boolean().optional(),
  error: z.string().optional(),
  code: z.string().optional(),
  request_id: z.string().optional(),
  restarted: z.boolean().optional(),
  restarting: z.boolean().optional(),
});

/** The events of a stream as they come. Rejects with `Refused` where the connection breaks. */
export async function* eventsOf(incoming: IncomingMessage): AsyncGenerator<StreamEvent, void> {
  const ready: StreamEvent[] = [];
  const parser = createParser({
    onEvent: ({ id, event = '', data }) => ready.push({ id, type: event, data: eventSchema.parse(JSON.parse(data)) }),
  });
  try {
    for await (const chunk of incoming.setEncoding('utf8')) {
      parser.feed(chunk);
      yield* ready.splice(0);
    }
  } catch (error) {
    throw asRefused(error);
  }
}
