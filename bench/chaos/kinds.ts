/** What clients of a chat server do, as requests that settle by themselves: kinds with shares. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { ChaosRequest, chatResponseSchema } from './client.ts';
import type { Question } from './models.ts';
import type { End, RequestRecord } from './outcomes.ts';
import { randomOf } from './schedule.ts';

export interface LoadKind {
  readonly name: string;
  /** Starts of this kind in a hundred. */
  readonly share: number;
  /** Begins one, or several that belong together. */
  readonly start: (load: ChaosLoad) => Promise<RequestRecord>[];
}

const STREAMED = { words: [15, 60], paceMs: 30 } as const;
const WHOLE = { words: [10, 30], paceMs: 15 } as const;
/** So long that it is cancelled in the middle. */
const CANCELLED = { words: [150, 150], paceMs: 50 } as const;
const MAX_BEFORE_CANCEL_MS = 1_500;
/** The client itself breaks its stream after so many events. */
const MAX_CUT_EVENTS = 12;
const CUTS = 2;
/** When an identical question comes that may find the response in a cache. */
const LATE_MS = 3_000;

/** Numbers the requests and questions of a run, and starts them. */
export class ChaosLoad {
  readonly url: string;
  readonly random: () => number;
  #requests = 0;
  #questions = 0;

  constructor(url: string, seed: number) {
    this.url = url;
    this.random = randomOf(seed);
  }

  /** A question that was not asked before. */
  question({ words: [from, to], paceMs }: { words: readonly [number, number]; paceMs: number }): Question {
    this.#questions += 1;
    return { mark: `q${this.#questions}`, words: this.between(from, to), paceMs };
  }

  between(from: number, to: number): number {
    return from + Math.floor(this.random() * (to - from + 1));
  }

  send(kind: string, question: Question, work: (request: ChaosRequest) => Promise<End>): Promise<RequestRecord> {
    this.#requests += 1;
    return new ChaosRequest(this.url, this.#requests, kind, question).run(work);
  }

  /** One of the kinds, as often as its share. */
  start(): Promise<RequestRecord>[] {
    let place = this.random() * LOAD_KINDS.reduce((sum, { share }) => sum + share, 0);
    const kind = LOAD_KINDS.find(({ share }) => {
      place -= share;
      return place < 0;
    });
    return (kind ?? STREAM).start(this);
  }
}

async function asJson(request: ChaosRequest, question: Question): Promise<End> {
  const { request_id: id, message } = chatResponseSchema.parse(await request.chat(question));
  request.record.isAccepted = true;
  request.record.requestIds.push(id);
  request.record.text = message.content;
  return { type: 'whole' };
}

const STREAM: LoadKind = {
  name: 'stream',
  share: 35,
  start: (load) => {
    const question = load.question(STREAMED);
    return [load.send('stream', question, (request) => request.stream(question))];
  },
};

export const LOAD_KINDS: readonly LoadKind[] = [
  STREAM,
  {
    name: 'JSON',
    share: 20,
    start: (load) => {
      const question = load.question(WHOLE);
      return [load.send('JSON', question, (request) => asJson(request, question))];
    },
  },
  {
    name: 'detached, polled',
    share: 15,
    start: (load) => {
      const question = load.question(WHOLE);
      return [
        load.send('detached, polled', question, async (request) =>
          request.poll(await request.submit(question, randomUUID())),
        ),
      ];
    },
  },
  {
    name: 'resumed with Last-Event-ID',
    share: 12,
    start: (load) => {
      const question = load.question(STREAMED);
      const cuts = Array.from({ length: CUTS }, () => load.between(1, MAX_CUT_EVENTS));
      return [
        load.send('resumed with Last-Event-ID', question, async (request) =>
          request.follow(await request.submit(question, randomUUID()), { cuts }),
        ),
      ];
    },
  },
  {
    name: 'cancelled',
    share: 8,
    start: (load) => {
      const question = load.question(CANCELLED);
      const afterMs = load.between(0, MAX_BEFORE_CANCEL_MS);
      return [
        load.send('cancelled', question, async (request) => {
          const id = await request.submit(question, randomUUID());
          await delay(afterMs);
          await request.cancel(id);
          return await request.poll(id);
        }),
      ];
    },
  },
  {
    name: 'identical questions',
    share: 3,
    start: (load) => {
      const question = load.question(STREAMED);
      const streamed = () => load.send('identical questions', question, (request) => request.stream(question));
      const late = async () => {
        await delay(LATE_MS);
        return await load.send('identical questions', question, (request) => asJson(request, question));
      };
      return [streamed(), streamed(), late()];
    },
  },
  {
    name: 'one Idempotency-Key twice',
    share: 7,
    start: (load) => {
      const question = load.question(WHOLE);
      const key = randomUUID();
      return [
        load.send('one Idempotency-Key twice', question, async (request) => {
          const [id] = await Promise.all([request.submit(question, key), request.submit(question, key)]);
          return await request.poll(id);
        }),
      ];
    },
  },
];
