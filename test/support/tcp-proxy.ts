import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface TcpProxy {
  readonly port: number;
  /** Bytes arrive this much later, in both directions. */
  delay(ms: number): void;
  /** Closes all connections, and refuses new ones until `mend`. */
  cut(): void;
  /** Connections stay open, and carry nothing until `mend`; what was sent arrives then. */
  freeze(): void;
  /** Connections stay open and lose what is sent, as when a machine has vanished. New ones work. */
  loseOpen(): void;
  mend(): void;
  close(): Promise<void>;
}

interface Link {
  readonly client: Socket;
  readonly server: Socket;
  isLost: boolean;
}

/** A TCP proxy to a port of loopback whose network fails on demand. */
export async function startTcpProxy(target: number): Promise<TcpProxy> {
  const links = new Set<Link>();
  let delayMs = 0;
  let isCut = false;
  let isFrozen = false;
  const held: (() => void)[] = [];
  const server = createServer((client) => {
    if (isCut) {
      client.destroy();
      return;
    }
    const link: Link = { client, server: connect(target, '127.0.0.1'), isLost: false };
    links.add(link);
    forward(link, client, link.server);
    forward(link, link.server, client);
  });
  function forward(link: Link, from: Socket, to: Socket): void {
    from.on('data', (chunk) => {
      const send = () => void (to.destroyed || link.isLost || to.write(chunk));
      if (link.isLost) return;
      if (isFrozen) held.push(send);
      else if (delayMs > 0) setTimeout(send, delayMs);
      else send();
    });
    from.on('error', () => {});
    from.on('close', () => {
      links.delete(link);
      // A vanished machine does not say that it has closed.
      if (!link.isLost) to.destroy();
    });
  }
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const destroyAll = () => {
    for (const { client, server: upstream } of links) {
      client.destroy();
      upstream.destroy();
    }
  };
  return {
    port: (server.address() as AddressInfo).port,
    delay: (ms) => {
      delayMs = ms;
    },
    cut: () => {
      isCut = true;
      destroyAll();
    },
    freeze: () => {
      isFrozen = true;
    },
    loseOpen: () => {
      for (const link of links) link.isLost = true;
    },
    mend: () => {
      isCut = false;
      isFrozen = false;
      delayMs = 0;
      for (const send of held.splice(0)) send();
    },
    close: () =>
      new Promise((closed) => {
        destroyAll();
        server.close(() => closed());
      }),
  };
}
