import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { type AppCluster, ask, readJson, startAppCluster } from '../support/app-cluster.ts';
import { questionOf, scriptOf } from '../support/obedient-model.ts';
import { cancel, enqueue, numbersOf, poll, readQueued, textOf } from '../support/queued-requests.ts';
import type { RunningApp } from '../support/running-app.ts';

/** Real apps whose queue is one: what one accepts is read, cancelled and completed by any. */
const eventually = { timeout: 10_000, interval: 50 };
const SLOTS = 2;

async function startCluster(count: number, env: Record<string, string> = {}): Promise<AppCluster> {
  const cluster = await startAppCluster(
    Array.from({ length: count }, () => ({})),
    { QUEUE_MAX_CONCURRENT: String(SLOTS), SHUTDOWN_DELAY_MS: '0', DISCONNECT_GRACE_MS: '1000', ...env },
  );
  cluster.model.choose(scriptOf);
  // The first request of a server loads what others do not wait for.
  await Promise.all(cluster.apps.map((app, index) => ask(app, `warm ${index}`)));
  return cluster;
}

/** Calls of the model with this question. */
const callsOf = ({ model }: AppCluster, question: string) =>
  model.requests.filter(({ body }) => questionOf(body) === question);

/** The app that works on the only response that is being written. */
async function ownerOf({ apps }: AppCluster, context: Pick<TestContext, 'expect'> = { expect }): Promise<RunningApp> {
  let owner: RunningApp | undefined;
  await context.expect
    .poll(async () => {
      for (const app of apps) {
        const metrics = await (await fetch(`${app.url}/api/metrics`)).text();
        if (/^chill_space_active_streams 1$/m.test(metrics)) owner = app;
      }
      return owner !== undefined;
    }, eventually)
    .toBe(true);
  return owner ?? expect.fail();
}

describe('three servers', () => {
  let cluster: AppCluster;
  let redis: Redis;

  beforeAll(async () => {
    cluster = await startCluster(3);
    redis = new Redis(cluster.redis.url);
  }, 90_000);

  afterAll(async () => {
    redis?.disconnect();
    await cluster?.close();
  });

  it('know a request of any of them at once: its state, its events and its result', async () => {
    for (let round = 0; round < 6; round++) {
      const id = await enqueue(cluster.at(round), `round ${round}`);
      expect((await poll(cluster.at(round + 1), id)).status).toBe(200);
      const events = await readQueued(cluster.at(round + 2), id);
      expect(textOf(events)).toBe(`You said: round ${round}`);
      expect(events.filter(({ type }) => type === 'done' || type === 'error')).toHaveLength(1);
      for (let index = 0; index < 3; index++)
        await expect
          .poll(async () => (await poll(cluster.at(index), id)).body, eventually)
          .toMatchObject({ completed: true, status: 'completed' });
    }
  });

  it('know a request whose response was cached', async () => {
    await ask(cluster.at(0), 'known');
    const id = await enqueue(cluster.at(0), 'known');
    for (let index = 0; index < 3; index++)
      expect((await poll(cluster.at(index), id)).body).toMatchObject({ completed: true, cached: true });
  });

  it('send a cached response with the same bytes, also the first time at each server', async () => {
    const body = { model: 'test', messages: [{ role: 'user', content: 'known bytes' }], temperature: 0 };
    const read = async (index: number) => {
      const response = await fetch(`${cluster.at(index).url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      const { id: _, ...rest } = await response.json();
      return { cache: response.headers.get('x-cache'), rest };
    };
    expect((await read(0)).cache).toBe('miss');
    const hit = await read(0);
    expect(hit.cache).toBe('hit');
    // Its `created` is in seconds.
    await delay(1_100);
    for (let index = 0; index < 6; index++) expect(await read(index)).toEqual(hit);
  });

  it('give a client that comes back elsewhere each event once', async () => {
    const id = await enqueue(cluster.at(0), 'count to 300 each 5 ms');
    const whole = readQueued(cluster.at(1), id);
    const pieces: Awaited<ReturnType<typeof readQueued>> = [];
    for (let part = 0; pieces.at(-1)?.type !== 'done' && part < 400; part++) {
      const after = pieces.findLast((event) => event.id !== undefined)?.id;
      pieces.push(
        ...(await readQueued(cluster.at(part), id, {
          ...(after === undefined ? {} : { after }),
          isEnough: (events) => numbersOf(events).length >= 10,
        })),
      );
    }
    const numbers = numbersOf(pieces);
    expect(numbers).toEqual(Array.from({ length: 301 }, (_, index) => index + 1));
    expect(textOf(pieces)).toBe(textOf(await whole));
  }, 60_000);

  it('read a long response everywhere', async () => {
    const id = await enqueue(cluster.at(2), 'count to 5000');
    const all = await Promise.all([0, 1, 2].map((index) => readQueued(cluster.at(index), id)));
    for (const events of all)
      expect(numbersOf(events)).toEqual(Array.from({ length: numbersOf(events).length }, (_, index) => index + 1));
    const text = Array.from({ length: 5_000 }, (_, index) => `${index + 1} `).join('');
    expect(all.map(textOf)).toEqual([text, text, text]);
  }, 60_000);

  it('generate one response for many identical requests, for all of them', async () => {
    const question = 'slow, and asked by many';
    const replies = await Promise.all(Array.from({ length: 90 }, (_, index) => ask(cluster.at(index), question)));
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(replies.map(({ content }) => content))).toEqual(new Set(['late']));
    expect(callsOf(cluster, question)).toHaveLength(1);
  });

  it('give the running request to a retry with its Idempotency-Key at another server', async () => {
    const headers = { 'idempotency-key': 'running' };
    const id = await enqueue(cluster.at(0), 'slow, and retried', {}, headers);
    expect(await enqueue(cluster.at(1), 'slow, and retried', {}, headers)).toBe(id);
    expect(textOf(await readQueued(cluster.at(2), id))).toBe('late');
    expect(callsOf(cluster, 'slow, and retried')).toHaveLength(1);
  });

  it('give no id twice', async () => {
    const headers = { 'x-request-id': randomUUID() };
    const ids = await Promise.all([0, 1, 2].map((index) => enqueue(cluster.at(index), `id ${index}`, {}, headers)));
    expect(new Set(ids).size).toBe(3);
    expect(ids).toContain(headers['x-request-id']);
    for (const [index, id] of ids.entries())
      expect(textOf(await readQueued(cluster.at(index + 1), id))).toBe(`You said: id ${index}`);
  });

  it('never ask the model for more at a time than it has slots', async () => {
    let most = 0;
    const watching = setInterval(() => {
      most = Math.max(most, cluster.model.running);
    }, 5);
    const replies = await Promise.all(
      Array.from({ length: 12 }, (_, index) => ask(cluster.at(index), `slow ${index}`, { cache: 'off' })),
    );
    clearInterval(watching);
    expect(replies.map(({ content }) => content)).toEqual(Array.from({ length: 12 }, () => 'late'));
    expect(most).toBe(SLOTS);
  }, 30_000);

  it.each([
    ['with hints', false],
    ['without hints', true],
  ])(
    'close the call of a request that is cancelled elsewhere: %s',
    async (name, areHintsLost) => {
      for (let at = 0; at < 3; at++) {
        const question = `hang after ${name} ${at}`;
        const id = await enqueue(cluster.at(0), question);
        const reader = readQueued(cluster.at(2), id);
        await expect.poll(() => callsOf(cluster, question).length, eventually).toBe(1);
        await expect.poll(async () => (await poll(cluster.at(at), id)).body.status, eventually).toBe('processing');
        if (areHintsLost) await cluster.redis.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
        const startedMs = performance.now();
        expect(await cancel(cluster.at(at), id)).toBe(200);
        await callsOf(cluster, question)[0]?.over;
        expect(performance.now() - startedMs).toBeLessThan(8_000);
        expect((await reader).at(-1)).toMatchObject({ type: 'error', data: { code: 'cancelled' } });
        for (let index = 0; index < 3; index++)
          await expect.poll(async () => (await poll(cluster.at(index), id)).body.status, eventually).toBe('cancelled');
      }
    },
    60_000,
  );

  it('take a waiting request that is cancelled elsewhere out of the line', async () => {
    const busy = await Promise.all([0, 1].map((index) => enqueue(cluster.at(index), `hang ${index}`)));
    await expect.poll(() => cluster.model.running, eventually).toBe(SLOTS);
    const id = await enqueue(cluster.at(0), 'never asked');
    await expect
      .poll(async () => (await poll(cluster.at(1), id)).body, eventually)
      .toMatchObject({ status: 'queued', queue_position: 1 });
    expect(await cancel(cluster.at(2), id)).toBe(200);
    await expect.poll(async () => (await poll(cluster.at(0), id)).body.status, eventually).toBe('cancelled');
    for (const each of busy) expect(await cancel(cluster.at(2), each)).toBe(200);
    await cluster.model.idle();
    expect(callsOf(cluster, 'never asked')).toHaveLength(0);
    expect((await ask(cluster.at(1), 'goes on')).content).toBe('You said: goes on');
  }, 30_000);

  it('leave the others of a response undisturbed when one of them is cancelled', async () => {
    const question = 'slow, and shared';
    const [one, two] = await Promise.all([enqueue(cluster.at(0), question), enqueue(cluster.at(1), question)]);
    expect(await cancel(cluster.at(2), one ?? '')).toBe(200);
    expect(textOf(await readQueued(cluster.at(2), two ?? ''))).toBe('late');
    await expect.poll(async () => (await poll(cluster.at(1), one ?? '')).body.status, eventually).toBe('cancelled');
    expect(callsOf(cluster, question)).toHaveLength(1);
  });

  it('end what no client waits for any more', async () => {
    const question = 'hang after no reader is left';
    const leaving = new AbortController();
    const reading = fetch(`${cluster.at(0).url}/api/chat-optimized`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ messages: [{ role: 'user', content: question }], stream: true }),
      signal: leaving.signal,
    });
    await expect.poll(() => callsOf(cluster, question).length, eventually).toBe(1);
    await reading;
    leaving.abort();
    const startedMs = performance.now();
    await callsOf(cluster, question)[0]?.over;
    // The grace period of a second, and what notices it.
    expect(performance.now() - startedMs).toBeLessThan(10_000);
  });

  it('leave nothing in Redis that does not expire by itself', async () => {
    await cluster.model.idle();
    await expect.poll(async () => await redis.zcard('{chill}:1:open'), eventually).toBe(0);
    const lasting: string[] = [];
    let cursor = '0';
    do {
      const [next, keys] = await redis.scan(cursor, 'MATCH', '*', 'COUNT', 1_000);
      cursor = next;
      for (const key of keys) if ((await redis.pttl(key)) === -1) lasting.push(key);
    } while (cursor !== '0');
    expect(
      lasting.filter((key) => !/^\{chill\}:1:(?:gen:(?:responses|conversations|storedResponses)|ended)$/.test(key)),
    ).toEqual([]);
    // Neither is a flight or a request left behind that has ended.
    expect(await redis.keys('{chill}:1:flight:*')).toEqual([]);
    expect(await redis.keys('{chill}:1:req:*')).toEqual([]);
  });
});

// Each waits for the lock of a run to run out.
describe.concurrent('a server that is lost', () => {
  it('has its request done by another one if it had no token', async (context) => {
    const { expect, onTestFinished } = context;
    const cluster = await startCluster(2);
    onTestFinished(() => cluster.close());
    let calls = 0;
    cluster.model.choose((body) => {
      calls += 1;
      return calls === 1 ? ['hang'] : scriptOf(body);
    });
    const id = await enqueue(cluster.at(0), 'again');
    const owner = await ownerOf(cluster, context);
    process.kill(owner.pid, 'SIGKILL');
    await owner.ended;
    const events = await readQueued(cluster.apps.find((app) => app !== owner) ?? expect.fail(), id);
    expect(textOf(events)).toBe('You said: again');
    expect(events.filter(({ type }) => type === 'done' || type === 'error')).toHaveLength(1);
    expect(calls).toBe(2);
  }, 120_000);

  it('leaves what it had written, and one end that says so', async (context) => {
    const { expect, onTestFinished } = context;
    const cluster = await startCluster(2);
    onTestFinished(() => cluster.close());
    const id = await enqueue(cluster.at(0), 'hang after a word');
    const owner = await ownerOf(cluster, context);
    const left = cluster.apps.find((app) => app !== owner) ?? expect.fail();
    const reading = readQueued(left, id);
    await expect
      .poll(async () => textOf(await readQueued(left, id, { isEnough: (events) => textOf(events) !== '' })), eventually)
      .toBe('one ');
    process.kill(owner.pid, 'SIGKILL');
    const events = await reading;
    expect(textOf(events)).toBe('one ');
    expect(events.filter(({ type }) => type === 'done' || type === 'error')).toEqual([
      expect.objectContaining({ type: 'error', data: expect.objectContaining({ code: 'worker_lost' }) }),
    ]);
    expect(cluster.model.requests.filter(({ body }) => questionOf(body) === 'hang after a word')).toHaveLength(1);
    // A client that had more than Redis gets the end alone.
    expect((await readQueued(left, id, { after: '40' })).map(({ type }) => type)).toEqual(['error']);
  }, 120_000);
});

describe('a server that stops', () => {
  let cluster: AppCluster | undefined;

  afterEach(async () => {
    await cluster?.close();
    cluster = undefined;
  });

  it('stops within a moment when it is idle', async () => {
    cluster = await startCluster(2);
    expect(await cluster.at(0).stop(10_000)).toBe(0);
    expect((await ask(cluster.at(1), 'alone')).content).toBe('You said: alone');
  }, 90_000);

  it('completes what it writes, and gives back what waits', async () => {
    cluster = await startCluster(2, { QUEUE_MAX_CONCURRENT: '1', SHUTDOWN_TIMEOUT_MS: '20000' });
    const running = await enqueue(cluster.at(0), 'count to 40 each 50 ms');
    const owner = await ownerOf(cluster);
    const left = cluster.apps.find((app) => app !== owner) ?? expect.fail();
    const waiting = await enqueue(owner, 'waits');
    const stopped = owner.stop(30_000);
    expect(textOf(await readQueued(left, running))).toMatch(/ 40 $/);
    expect(textOf(await readQueued(left, waiting))).toBe('You said: waits');
    expect(await stopped).toBe(0);
  }, 90_000);

  it('hands over at once what has no token at its deadline', async () => {
    cluster = await startCluster(2, { SHUTDOWN_TIMEOUT_MS: '500' });
    let calls = 0;
    cluster.model.choose((body) => {
      calls += 1;
      return calls === 1 ? ['hang'] : scriptOf(body);
    });
    const id = await enqueue(cluster.at(0), 'handed over');
    const owner = await ownerOf(cluster);
    const left = cluster.apps.find((app) => app !== owner) ?? expect.fail();
    const reading = readQueued(left, id);
    const startedMs = performance.now();
    expect(await owner.stop(15_000)).toBe(0);
    expect(textOf(await reading)).toBe('You said: handed over');
    expect(performance.now() - startedMs).toBeLessThan(9_000);
  }, 90_000);
});

it('serves each request while Redis is away, and shares again afterwards', async () => {
  const cluster = await startCluster(2, { QUEUE_MAX_CONCURRENT: '1' });
  try {
    const running = await enqueue(cluster.at(0), 'count to 60 each 50 ms');
    const owner = await ownerOf(cluster);
    const other = cluster.apps.find((app) => app !== owner) ?? expect.fail();
    const waiting = await enqueue(owner, 'waited in Redis');
    // It may have been submitted to the other one: from here on the owner knows it.
    await readQueued(owner, running, { isEnough: (events) => textOf(events) !== '' });
    const reading = readQueued(owner, running);
    await cluster.redis.kill();
    const alone = await ask(other, 'alone');
    expect([alone.status, alone.content]).toEqual([200, 'You said: alone']);
    await expect.poll(async () => (await poll(other, waiting)).status, eventually).toBe(503);
    expect(alone.ms).toBeLessThan(8_000);
    expect(textOf(await reading)).toMatch(/^1 2 .* 59 60 $/);
    // It has no reader: it waits for Redis, as it would in any other line.
    expect((await poll(owner, waiting)).body.status).toBe('queued');
    await cluster.redis.restart();
    expect(textOf(await readQueued(owner, waiting))).toBe('You said: waited in Redis');
    for (const app of cluster.apps)
      await expect.poll(async () => (await readJson(app, '/api/ready')).parts.redis.state, eventually).toBe('up');
    // On loaded cores Redis may seem away once more. A request is found then, or 503 says so.
    let count = 0;
    const readElsewhere = async () => {
      const id = await enqueue(cluster.at(0), `again ${++count}`);
      return textOf(await readQueued(cluster.at(1), id).catch(() => []));
    };
    await expect.poll(readElsewhere, eventually).toMatch(/^You said: again/);
    // The response that was written meanwhile is there for all.
    await expect
      .poll(async () => (await poll(other, running)).body.status, { timeout: 20_000, interval: 100 })
      .toBe('completed');
  } finally {
    await cluster.close();
  }
}, 120_000);

it('has no part in a server without REDIS_URL', async () => {
  const cluster = await startAppCluster([{ REDIS_URL: '' }], {});
  try {
    const id = await enqueue(cluster.at(0), 'alone');
    await expect.poll(async () => (await poll(cluster.at(0), id)).body.completed, eventually).toBe(true);
    expect((await readJson(cluster.at(0), '/api/ready')).parts.redis?.state ?? 'off').not.toBe('up');
  } finally {
    await cluster.close();
  }
}, 60_000);
