import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { createParser } from 'eventsource-parser';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type AppCluster, ask, startAppCluster } from '../support/app-cluster.ts';
import { scriptOf } from '../support/obedient-model.ts';
import { enqueue, numbersOf, type QueueEvent, readQueued, textOf } from '../support/queued-requests.ts';
import type { RunningApp } from '../support/running-app.ts';

/** One stream of very many events, on four servers at a time. */
const EVENTS = 20_000;
const SERVERS = 4;
const RECONNECTS = 50;
const PART = Math.floor(EVENTS / (RECONNECTS + 1));
const MB = 1024 * 1024;
/**
 * How much a server may grow with such streams. The log of one takes 5 MB; the rest is room of the
 * heap, which V8 gives back when it likes.
 */
const GROWTH_MB = 150;
let cluster: AppCluster;

beforeAll(async () => {
  cluster = await startAppCluster(
    Array.from({ length: SERVERS }, () => ({})),
    { SHUTDOWN_DELAY_MS: '0', CACHE_ENABLED: 'false', QUEUE_RESULT_TTL_SECONDS: '60' },
  );
  cluster.model.choose(scriptOf);
  await Promise.all(cluster.apps.map((app, index) => ask(app, `warm ${index}`)));
}, 120_000);

afterAll(() => cluster?.close());

const TEXT = Array.from({ length: EVENTS }, (_, index) => `${index + 1} `).join('');
const NUMBERS = Array.from({ length: EVENTS + 1 }, (_, index) => index + 1);

/** Comes back if a busy server does not reach Redis for a moment, as its 503 says. */
async function again<T>(read: () => Promise<T>): Promise<T> {
  for (;;)
    try {
      return await read();
    } catch (error) {
      if (!/^503: .*"elsewhere"/.test((error as Error).message)) throw error;
      await delay(500);
    }
}

/** Reads to the end, and nothing from its second chunk on until `others` have all of it. */
async function readLate({ url }: RunningApp, id: string, others: Promise<unknown>): Promise<QueueEvent[]> {
  const response = await again(async () => {
    const opened = await fetch(`${url}/api/chat-queue?requestId=${id}`, { headers: { accept: 'text/event-stream' } });
    if (opened.status !== 200) throw new Error(`${opened.status}: ${await opened.text()}`);
    return opened;
  });
  const events: QueueEvent[] = [];
  const parser = createParser({
    onEvent: ({ id: number, event = '', data }) => events.push({ id: number, type: event, data: JSON.parse(data) }),
  });
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    parser.feed(decoder.decode(chunk, { stream: true }));
    await others;
  }
  return events;
}

/** Reads a part on each server in turn, and comes back for the next with the last number. */
async function readInParts(id: string): Promise<{ events: QueueEvent[]; connections: number }> {
  const events: QueueEvent[] = [];
  let connections = 0;
  while (events.at(-1)?.type !== 'done') {
    const after = events.findLast((event) => event.id !== undefined)?.id;
    const isLast = connections >= RECONNECTS;
    const part = await again(() =>
      readQueued(cluster.at(connections), id, {
        ...(after === undefined ? {} : { after }),
        isEnough: (read) => !isLast && numbersOf(read).length >= PART,
      }),
    );
    // What came behind that is lost with the connection.
    events.push(...(isLast ? part : upTo(part, PART)));
    connections += 1;
    if (connections > RECONNECTS + 1) break;
  }
  return { events, connections };
}

/** The events up to the `count`th that has a number. */
function upTo(events: readonly QueueEvent[], count: number): QueueEvent[] {
  const numbered = events.filter(({ id }) => id !== undefined);
  const last = numbered[count - 1];
  return last === undefined ? [...events] : events.slice(0, events.indexOf(last) + 1);
}

function residentMb({ pid }: RunningApp): number {
  const kb = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return (Number(kb) * 1024) / MB;
}

it('brings every event once to each reader: quick, slow, and one that reconnects 50 times', async () => {
  const before = cluster.apps.map(residentMb);
  for (let round = 0; round < 2; round++) {
    const id = await enqueue(cluster.at(round), `round ${round}: count to ${EVENTS}`);
    const quick = Promise.all(cluster.apps.map((app) => again(() => readQueued(app, id))));
    const parts = readInParts(id);
    const late = readLate(cluster.at(round + 1), id, Promise.all([quick, parts]));
    const { events: inParts, connections } = await parts;
    expect(connections).toBe(RECONNECTS + 1);
    for (const events of [...(await quick), inParts, await late]) {
      // Not compared in whole: a failure would print all of it.
      const numbers = numbersOf(events);
      expect(numbers.length).toBe(NUMBERS.length);
      expect(numbers.findIndex((number, index) => number !== NUMBERS[index])).toBe(-1);
      expect(textOf(events) === TEXT).toBe(true);
      expect(events.at(-1)).toMatchObject({ type: 'done', data: { done: true } });
    }
  }
  expect(cluster.model.requests.filter(({ body }) => JSON.stringify(body).includes('count to'))).toHaveLength(2);
  const growth = cluster.apps.map((app, index) => residentMb(app) - (before[index] ?? 0));
  for (const grown of growth) expect(grown).toBeLessThan(GROWTH_MB);
}, 240_000);
