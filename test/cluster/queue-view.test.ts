import { afterAll, beforeAll, expect, it } from 'vitest';
import { type AppCluster, ask, readJson, startAppCluster } from '../support/app-cluster.ts';
import { scriptOf } from '../support/obedient-model.ts';
import type { RunningApp } from '../support/running-app.ts';

/** What two servers with one queue say of it: the place of a request, and all that is in it. */
const KEYS = ['a-key-of-the-administrator', 'another-key-of-sixteen'];
const [KEY = '', OTHER = ''] = KEYS;
const eventually = { timeout: 10_000, interval: 50 };
let cluster: AppCluster;

beforeAll(async () => {
  cluster = await startAppCluster([{}, {}], {
    QUEUE_MAX_CONCURRENT: '1',
    API_KEYS: KEYS.join(','),
    OLLAMA_MANAGE: 'true',
  });
  cluster.model.choose(scriptOf);
  await Promise.all(cluster.apps.map((app, index) => ask(app, `warm ${index}`, {}, auth(KEY))));
}, 90_000);

afterAll(() => cluster?.close());

const auth = (key: string) => ({ authorization: `Bearer ${key}` });

async function submit({ url }: RunningApp, content: string, key = KEY) {
  const response = await fetch(`${url}/api/chat-queue`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...auth(key) },
    body: JSON.stringify({ messages: [{ role: 'user', content }] }),
    signal: AbortSignal.timeout(10_000),
  });
  const { request_id: id, status } = await response.json();
  const place = Number(response.headers.get('x-queue-position'));
  return { id: String(id), place, told: status.queue_position, waitMs: status.estimated_wait_time };
}

const overviewAt = (app: RunningApp) => readJson(app, '/api/chat-queue', auth(KEY));

it('know the place of a request at its arrival, and list all that runs and waits', async () => {
  const [one, two] = [cluster.at(0), cluster.at(1)];
  const running = await submit(one, 'hang');
  expect([running.place, running.told]).toEqual([0, 0]);
  await expect.poll(() => cluster.model.running, eventually).toBe(1);
  const first = await submit(two, 'waits');
  const second = await submit(one, 'waits, too', OTHER);
  const joined = await submit(one, 'waits');
  // The other caller has had no turn yet.
  expect([first.place, second.place, joined.place]).toEqual([1, 1, 2]);
  expect([first.told, second.told, joined.told]).toEqual([1, 1, 2]);
  for (const { waitMs } of [first, second, joined]) expect(waitMs).toBeGreaterThan(0);
  for (const app of cluster.apps) {
    const { processing, pending, queue_length, is_processing } = await overviewAt(app);
    expect([queue_length, is_processing]).toEqual([2, true]);
    expect(processing).toEqual([expect.objectContaining({ request_id: running.id, model: 'test:latest', tokens: 0 })]);
    expect(processing[0].running_ms).toBeGreaterThan(0);
    expect(pending).toMatchObject([{ queue_position: 1 }, { queue_position: 2 }]);
    // An administrator's key sees those of the others, too.
    expect(pending[0]).toMatchObject({ request_id: second.id, priority: 0, caller: expect.any(String) });
    expect([first.id, joined.id]).toContain(pending[1].request_id);
  }
  // A server with none of these requests does not unload their model either.
  for (const { url } of cluster.apps) {
    const body = JSON.stringify({ model: 'test', keep_alive: 0 });
    const refused = await fetch(`${url}/api/generate`, { method: 'POST', headers: auth(KEY), body });
    expect([refused.status, (await refused.json()).error]).toEqual([422, expect.stringContaining('in use: 3')]);
  }
  // What runs is last, so that nothing of it begins.
  for (const [id, key] of [
    [second.id, OTHER],
    [first.id, KEY],
    [joined.id, KEY],
    [running.id, KEY],
  ] as const) {
    const options = { method: 'DELETE', headers: auth(key) };
    expect((await fetch(`${two.url}/api/chat-queue?requestId=${id}`, options)).status).toBe(200);
  }
  for (const app of cluster.apps)
    await expect.poll(async () => await overviewAt(app), eventually).toMatchObject({ processing: [], pending: [] });
}, 60_000);
