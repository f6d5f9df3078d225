import { afterEach, expect, it, vi } from 'vitest';
import { fetchStatus } from '#lib/http-client/fetch-status';
import { endAll, rawResponse, send, startBackend, startPool } from '../../test/support/http-client.ts';

afterEach(endAll);

const CHECK = { method: 'GET', path: '/well', headers: [], body: null };

it('resolves with the status once the response is complete', async () => {
  const { origin, connections } = await startBackend(({ socket }) =>
    socket.write(rawResponse('x').replace('200 OK', '503 Unhealthy')),
  );
  const pool = startPool(origin);
  for (let count = 0; count < 2; count++) expect(await fetchStatus(pool, CHECK, 2_000)).toBe(503);
  expect(connections).toMatchObject([{ count: 2 }]);
});

it('rejects when the connection closes', async () => {
  const { origin } = await startBackend(({ socket }) => socket.end());
  await expect(fetchStatus(startPool(origin), CHECK, 2_000)).rejects.toMatchObject({ code: 'CLOSED_BY_PEER' });
});

it('rejects after the timeout and closes the connection', async () => {
  const { origin, connections } = await startBackend(() => {});
  await expect(fetchStatus(startPool(origin), CHECK, 50)).rejects.toMatchObject({ code: 'RESPONSE_TIMEOUT' });
  await vi.waitFor(() => expect(connections[0]?.socket.destroyed).toBe(true));
});

it('rejects while it waits for a connection, and is then not sent', async () => {
  const { origin, connections } = await startBackend(() => {});
  const pool = startPool(origin);
  const before = send(pool);
  await expect(fetchStatus(pool, CHECK, 50)).rejects.toMatchObject({ code: 'RESPONSE_TIMEOUT' });
  connections[0]?.socket.write(rawResponse('x'));
  expect((await before.over).body).toBe('x');
  await vi.waitFor(() => expect(pool.stats).toEqual({ running: 0, connected: 1 }));
  expect(connections[0]?.text).not.toContain('/well');
});
