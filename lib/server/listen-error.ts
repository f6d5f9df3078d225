import { createServer } from 'node:net';

interface ListenAddress {
  host: string;
  port: number;
}

/** Returns a sentence for a failed `listen`: what is wrong, and what to do. */
export function listenFailure(error: NodeJS.ErrnoException, { host, port }: ListenAddress): string {
  if (error.code === 'EADDRINUSE')
    return `Port ${port} is taken by another program. Stop that one, or choose another port: PORT=${port + 1} npm start`;
  if (error.code === 'EACCES')
    return `This user may not listen on port ${port}. Choose a port above 1023: PORT=3000 npm start`;
  if (error.code === 'EADDRNOTAVAIL')
    return `HOST=${host} is not an address of this machine. Use 127.0.0.1, 0.0.0.0, or one of its own.`;
  return `The server cannot listen on ${host}:${port}: ${error.message}`;
}

/** Listens and stops again. Resolves with the sentence of `listenFailure`, or undefined. */
export function tryListening(address: ListenAddress): Promise<string | undefined> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', (error) => resolve(listenFailure(error, address)));
    server.listen(address, () => server.close(() => resolve(undefined)));
  });
}
