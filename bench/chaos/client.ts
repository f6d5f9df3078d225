/** A client that does what the documents say: it tries again, resumes by id, and gives up late. */
import type { IncomingMessage } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { CONNECTION_LOST, NO_RESPONSE } from './causes.ts';
import { asRefused, eventsOf, exchange, openStream, Refused } from './http.ts';
import { type Question, questionText } from './models.ts';
import type { End, RequestRecord } from './outcomes.ts';

/** As the chat page waits between its attempts: components/chat/reconnect.ts. */
const DELAYS_MS = [300, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000, 8_000, 8_000, 8_000];
/** Of a whole request, with all its attempts. */
const DEADLINE_MS = 120_000;
const POLL_MS = 400;
/** An id that a server does not know is asked for again: another one may be cut off. */
const NOT_FOUND = 'not_found';
const SHUTTING_DOWN = 'shutting_down';

const BROKEN: ReadonlySet<string> = new Set([CONNECTION_LOST, NO_RESPONSE]);

const submittedSchema = z.object({ request_id: z.string(), saved: z.boolean().optional() });

const entrySchema = z.object({
  status: z.enum(['queued', 'processing', 'completed', 'failed', 'cancelled']),
  message: z.object({ content: z.string() }).optional(),
  code: z.string().optional(),
});

export const chatResponseSchema = z.object({ request_id: z.string(), message: z.object({ content: z.string() }) });

interface Tries {
  /** Whether it is the whole request, without a key: another one may run then. */
  isResent?: boolean;
  /** Whether an id that is not known may be known later. */
  isIdKnown?: boolean;
}

/** One request of a client, and the record of what it met. */
export class ChaosRequest {
  readonly record: RequestRecord;
  readonly #url: string;
  readonly #untilMs: number;
  /** When it was first asked to be cancelled: the reply may be lost, and another try comes late. */
  #cancelAskedMs: number | undefined;

  constructor(url: string, number: number, kind: string, { mark, words }: Question) {
    const startedMs = performance.now();
    this.#url = url;
    this.#untilMs = startedMs + DEADLINE_MS;
    this.record = {
      ...{ number, kind, mark, words, startedMs, endedMs: startedMs, requestIds: [], keyedIds: [] },
      ...{ isAccepted: false, isSaved: true, resentMs: [], resumed: 0, refusals: [], cancelledMs: undefined },
      ...{ text: '', end: undefined },
    };
  }

  /** Does the work of its kind, and completes the record. Never rejects. */
  async run(work: (request: ChaosRequest) => Promise<End>): Promise<RequestRecord> {
    try {
      this.record.end = await work(this);
    } catch (error) {
      const { code, status } = asRefused(error);
      // What a server refuses was noted where it was tried.
      if (!(error instanceof Refused)) this.#noteEnd(code);
      const isFinal = status !== undefined && !isTemporary(status) && code !== NOT_FOUND;
      this.record.end = { type: isFinal ? 'failed' : 'gave up', code };
    }
    this.record.endedMs = performance.now();
    return this.record;
  }

  /** Tries until it succeeds, waiting as `Retry-After` says. Rejects with the last `Refused`. */
  async persist<Result>(
    work: () => Promise<Result>,
    { isResent = false, isIdKnown = false }: Tries = {},
  ): Promise<Result> {
    for (let attempt = 0; ; attempt++) {
      const fromMs = performance.now();
      try {
        return await work();
      } catch (error) {
        const refused = this.#note(error, fromMs);
        const isRetried = isTemporary(refused.status) || BROKEN.has(refused.code);
        if (!isRetried && !(isIdKnown && refused.code === NOT_FOUND)) throw refused;
        await this.#pause(attempt, refused);
        if (isResent) this.record.resentMs.push(performance.now());
      }
    }
  }

  /** Submits it to the queue with a key, so that it is safe to send again. Resolves to its id. */
  async submit(question: Question, key: string): Promise<string> {
    const sent = {
      method: 'POST' as const,
      headers: { 'idempotency-key': key },
      body: { messages: [{ role: 'user', content: questionText(question) }] },
    };
    const { body } = await this.persist(() => exchange(`${this.#url}/api/chat-queue`, sent));
    const { request_id: id, saved } = submittedSchema.parse(body);
    this.record.isAccepted = true;
    if (saved === false) this.record.isSaved = false;
    this.record.requestIds.push(id);
    this.record.keyedIds.push(id);
    return id;
  }

  /** Asks for its state until it has ended. */
  async poll(id: string): Promise<End> {
    for (;;) {
      const { body } = await this.persist(() => exchange(this.#queued(id)), { isIdKnown: true });
      const { status, message, code = 'no code' } = entrySchema.parse(body);
      if (message !== undefined) this.record.text = message.content;
      if (status === 'completed') return { type: 'whole' };
      if (status === 'cancelled') return this.#endedBy('cancelled');
      if (status === 'failed') return this.#endedBy(code);
      if (performance.now() > this.#untilMs) return { type: 'gave up', code: NO_RESPONSE };
      await delay(POLL_MS);
    }
  }

  /** Cancels it, unless it has ended by itself. */
  async cancel(id: string): Promise<void> {
    this.#cancelAskedMs = performance.now();
    await this.persist(
      async () => {
        try {
          await exchange(this.#queued(id), { method: 'DELETE' });
          this.record.cancelledMs = performance.now();
        } catch (error) {
          if (!(error instanceof Refused && error.status === 409)) throw error;
        }
      },
      { isIdKnown: true },
    );
  }

  /** A chat request, whose reply is JSON. */
  async chat(question: Question): Promise<unknown> {
    const body = { messages: [{ role: 'user', content: questionText(question) }], stream: false };
    const path = `${this.#url}/api/chat-optimized`;
    return (await this.persist(() => exchange(path, { method: 'POST', body }), { isResent: true })).body;
  }

  /** A streamed chat request. Where no server knows it any more, it is sent again, as a whole. */
  async stream(question: Question): Promise<End> {
    const body = { messages: [{ role: 'user', content: questionText(question) }], stream: true };
    const path = `${this.#url}/api/chat-optimized`;
    for (;;) {
      const incoming = await this.persist(() => openStream(path, { method: 'POST', body }), { isResent: true });
      this.record.isAccepted = true;
      const id = String(incoming.headers['x-request-id']);
      this.record.requestIds.push(id);
      const end = await this.follow(id, { first: incoming });
      if (end.type !== 'gave up' || end.code !== NOT_FOUND || performance.now() > this.#untilMs) return end;
      this.record.resentMs.push(performance.now());
      this.record.text = '';
    }
  }

  /**
   * Reads its stream to the end, and comes back where it breaks: behind the last event that it has,
   * or, without one, from the beginning. After each of `cuts` events the client itself breaks it.
   */
  async follow(id: string, { first, cuts = [] }: { first?: IncomingMessage; cuts?: number[] } = {}): Promise<End> {
    let lastId: string | undefined;
    let given = first;
    let opened = 0;
    for (let attempt = 0; ; ) {
      const fromMs = performance.now();
      try {
        if (opened++ > 0) this.record.resumed += 1;
        const incoming = given ?? (await this.#open(id, lastId));
        given = undefined;
        if (incoming.statusCode === 204) {
          // It has had the last event.
          incoming.resume();
          return await this.poll(id);
        }
        const read = await this.#read(incoming, cuts, (event) => {
          attempt = 0;
          lastId = event ?? lastId;
        });
        if (read !== 'cut') return read;
        attempt = 0;
      } catch (error) {
        const refused = this.#note(error, fromMs);
        if (refused.code === NOT_FOUND && refused.status === 404 && first !== undefined)
          return { type: 'gave up', code: NOT_FOUND };
        const isResumed = isTemporary(refused.status) || BROKEN.has(refused.code) || refused.code === SHUTTING_DOWN;
        if (!isResumed && refused.code !== NOT_FOUND) return { type: 'failed', code: refused.code };
        await this.#pause(attempt, refused);
        attempt += 1;
      }
    }
  }

  async #open(id: string, lastId: string | undefined): Promise<IncomingMessage> {
    if (lastId === undefined) this.record.text = '';
    const position: Record<string, string> = lastId === undefined ? {} : { 'last-event-id': lastId };
    return await openStream(this.#queued(id), { headers: { accept: 'text/event-stream', ...position } });
  }

  /** Reads one connection: to the last event, or until the client itself cuts it. */
  async #read(
    incoming: IncomingMessage,
    cuts: number[],
    onEvent: (id: string | undefined) => void,
  ): Promise<End | 'cut'> {
    let events = 0;
    let isPaused = false;
    for await (const { id, type, data } of eventsOf(incoming)) {
      onEvent(id);
      if (data.restarted === true) this.record.text = '';
      isPaused ||= data.restarting === true;
      this.record.text += data.content ?? '';
      if (data.code === SHUTTING_DOWN) throw new Refused(SHUTTING_DOWN, data.error ?? '');
      if (data.code !== undefined || type === 'error') return this.#endedBy(data.code ?? 'no code');
      if (data.done === true) return { type: 'whole' };
      events += 1;
      if (events >= (cuts[0] ?? Number.POSITIVE_INFINITY)) {
        cuts.shift();
        return 'cut';
      }
    }
    // The server stops, and the request goes on elsewhere.
    if (isPaused) throw new Refused(SHUTTING_DOWN, 'the server stops');
    throw new Refused(CONNECTION_LOST, 'the stream ended without its last event');
  }

  #endedBy(code: string): End {
    if (code === 'cancelled' && this.#cancelAskedMs !== undefined) {
      this.record.cancelledMs ??= this.#cancelAskedMs;
      return { type: 'cancelled' };
    }
    this.#noteEnd(code);
    return code === 'cancelled' ? { type: 'cancelled' } : { type: 'failed', code };
  }

  #noteEnd(code: string): void {
    this.record.refusals.push({ code, fromMs: this.record.startedMs, atMs: performance.now() });
  }

  #note(error: unknown, fromMs: number): Refused {
    const refused = asRefused(error);
    this.record.refusals.push({ code: refused.code, fromMs, atMs: performance.now() });
    return refused;
  }

  /** Rejects with `refused` once it has been tried for long enough. */
  async #pause(attempt: number, refused: Refused): Promise<void> {
    const waitMs = refused.retryAfterMs ?? DELAYS_MS[attempt];
    if (waitMs === undefined || performance.now() + waitMs > this.#untilMs) throw refused;
    await delay(waitMs);
  }

  #queued(id: string): string {
    return `${this.#url}/api/chat-queue?requestId=${id}`;
  }
}

/** Statuses with which a server asks its client to come again. */
function isTemporary(status: number | undefined): boolean {
  return status === 429 || status === 503;
}
