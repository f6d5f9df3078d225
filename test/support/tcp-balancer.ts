import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface TcpBalancer {
  readonly url: string;
  /** Connections that went to each target, by its address. */
  readonly counts: ReadonlyMap<string, number>;
  /** Resolves when `target` is known to be ready, or not to be. */
  until(target: string, isReady: boolean): Promise<void>;
  close(): Promise<void>;
}

/**
 * A plain TCP balancer: each connection goes to the next of its `targets` (`http://host:port`)
 * whose /api/ready responded with 200 at the last check. It reads no HTTP, knows no sessions, and
 * tries no other target where one refuses the connection.
 */
export async function startTcpBalancer(targets: readonly string[], checkMs: number): Promise<TcpBalancer> {
  const ready = new Set<string>();
  const counts = new Map(targets.map((target) => [target, 0]));
  const sockets = new Set<Socket>();
  const waiting = new Set<() => void>();
  let turn = 0;
  const check = async (target: string) => {
    const signal = AbortSignal.timeout(5_000);
    const response = await fetch(`${target}/api/ready`, { signal, headers: { connection: 'close' } }).catch(
      () => undefined,
    );
    await response?.body?.cancel();
    if (response?.status === 200) ready.add(target);
    else ready.delete(target);
    for (const wake of waiting) wake();
  };
  const checks = setInterval(() => void Promise.all(targets.map(check)), checkMs);
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const candidates = targets.filter((target) => ready.has(target));
    const target = candidates[turn++ % candidates.length];
    if (target === undefined) {
      client.destroy();
      return;
    }
    counts.set(target, (counts.get(target) ?? 0) + 1);
    const { hostname, port } = new URL(target);
    const upstream = connect({ host: hostname, port: Number(port), allowHalfOpen: true, noDelay: true });
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        sockets.delete(from);
        to.destroySoon();
      });
      from.pipe(to);
    }
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  await Promise.all(targets.map(check));
  return {
    url: `http://127.0.0.1:${port}`,
    counts,
    async until(target, isReady) {
      while (ready.has(target) !== isReady)
        await new Promise<void>((resolve) => {
          const wake = () => {
            waiting.delete(wake);
            resolve();
          };
          waiting.add(wake);
        });
    },
    async close() {
      clearInterval(checks);
      for (const socket of sockets) socket.destroy();
      await new Promise((closed) => server.close(closed));
    },
  };
}
