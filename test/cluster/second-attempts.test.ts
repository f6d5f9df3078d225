import { expect, it } from 'vitest';
import { readJson, startAppCluster } from '../support/app-cluster.ts';
import { ollama } from '../support/faulty-model-server.ts';
import { enqueue, numbersOf, readQueued, textOf } from '../support/queued-requests.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';

const eventually = { timeout: 10_000, interval: 20 };

it('gives who read a text that Redis never had all of the second attempt, no other end, and one bill', async () => {
  const cluster = await startAppCluster([], { SHUTDOWN_DELAY_MS: '0' });
  const proxy = await startTcpProxy(cluster.redis.port);
  try {
    const isCut = Promise.withResolvers<void>();
    const isMended = Promise.withResolvers<void>();
    let calls = 0;
    cluster.model.choose(() => {
      calls += 1;
      if (calls === 1) return [{ wait: isCut.promise }, { send: ollama.text('of the first ') }, 'hang'];
      const said = ['of ', 'the ', 'second'].map((text) => ({ send: ollama.text(text) }));
      return [...said.slice(0, 1), { wait: isMended.promise }, ...said.slice(1), { send: ollama.done() }];
    });
    const cutOff = await cluster.add({ REDIS_URL: `redis://127.0.0.1:${proxy.port}` });
    const id = await enqueue(cutOff, 'question');
    await expect.poll(() => calls, eventually).toBe(1);
    const first = readQueued(cutOff, id);
    const other = await cluster.add();
    proxy.cut();
    isCut.resolve();
    // Its lock runs out, and the other server finds no text in Redis.
    await expect.poll(() => calls, { timeout: 40_000, interval: 50 }).toBe(2);
    proxy.mend();
    const events = await first;
    expect(textOf(events)).toBe('of the first ');
    expect(events.at(-1)).toMatchObject({ type: 'status', data: { restarting: true } });
    expect(events.filter(({ type }) => type === 'done' || type === 'error')).toEqual([]);
    // The model server is not kept busy for the first attempt.
    await cluster.model.requests[0]?.over;
    isMended.resolve();
    const after = events.findLast((event) => event.id !== undefined)?.id ?? expect.fail();
    for (const app of [cutOff, other]) {
      const rest = await readQueued(app, id, { after });
      expect(rest[0]).toMatchObject({ type: 'status', id: '0', data: { restarted: true } });
      expect(textOf(rest)).toBe('of the second');
      expect(rest.filter(({ type }) => type === 'done')).toHaveLength(1);
      expect(rest.at(-1)?.type).toBe('done');
      expect(Math.min(...numbersOf(rest.slice(1)))).toBeGreaterThan(Number(after));
    }
    expect(calls).toBe(2);
    // Of the void attempt one piece is counted, of the second one what the model server says.
    const usage = async () => (await readJson(cutOff, '/api/usage')).total;
    await expect
      .poll(usage, { timeout: 20_000, interval: 200 })
      .toMatchObject({ requests: 1, errors: 0, completion_tokens: 1 + 5 });
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    expect(await usage()).toMatchObject({ requests: 1, completion_tokens: 6 });
  } finally {
    await cluster.close();
    await proxy.close();
  }
}, 120_000);
