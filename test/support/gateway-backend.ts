import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import {
  type AddressInfo,
  connect,
  createServer as createTcpServer,
  type Socket,
  type Server as TcpServer,
} from 'node:net';
import { join } from 'node:path';
import { vi } from 'vitest';
import { gateway } from '#lib/gateway/index';
import { createAppServer } from '#lib/server/app-server';
import { drain } from '#lib/server/drain';
import { shutDown } from '#lib/shutdown';
import { resetSingleton } from '#lib/singletons';

export const TOKEN = 'hf_aVerySecretTokenForTests';

const servers: Server[] = [];
const tcpServers: { server: TcpServer; sockets: Set<Socket> }[] = [];

/** What a backend was sent, as its own parser understood it. */
export interface Seen {
  method: string;
  url: string;
  headers: IncomingMessage['headers'];
  raw: string[];
  body: string;
}

/** The app's server with a gateway to `backends`; pages respond with 404 and `page`. */
export async function startGateway(
  backends: string,
  env: Record<string, string> = {},
): Promise<{ url: string; port: number; server: Server }> {
  await closeGateway();
  vi.stubEnv('PRIVATE_BACKEND_URL', backends);
  vi.stubEnv('LOG_LEVEL', 'silent');
  // Short keys are for loopback only, and requests name hosts as each test likes.
  vi.stubEnv('HOST', '127.0.0.1');
  vi.stubEnv('ALLOWED_HOSTS', '*');
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  resetSingleton('config');
  const server = await createAppServer({
    root: join(process.cwd(), 'test', 'support'),
    loadPages: async () => async (_incoming, outgoing) => {
      outgoing.statusCode = 404;
      outgoing.end('page');
    },
  });
  return { server, ...(await listen(server)) };
}

/** Ends the gateway of the last `startGateway`, and its settings. */
export async function closeGateway(): Promise<void> {
  await shutDown();
  for (const name of ['gateway', 'gateway.presence', 'config', 'http.failed-keys', 'http.known-keys'])
    resetSingleton(name);
  vi.unstubAllEnvs();
}

export async function closeAll(): Promise<void> {
  await closeGateway();
  await Promise.all(servers.splice(0).map((server) => drain(server, 0)));
  for (const { server, sockets } of tcpServers.splice(0)) {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
}

export async function startBackend(listener: RequestListener): Promise<{ url: string; port: number; server: Server }> {
  const server = createServer(listener);
  return { server, ...(await listen(server)) };
}

/** A backend that echoes each request. */
export async function startEcho(): Promise<{ url: string; seen: Seen[] }> {
  const seen: Seen[] = [];
  const { url } = await startBackend((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const { method = '', url: path = '', headers, rawHeaders: raw } = incoming;
      const request = { method, url: path, headers, raw, body: Buffer.concat(chunks).toString('latin1') };
      seen.push(request);
      outgoing.setHeader('content-type', 'application/json');
      outgoing.end(JSON.stringify(request));
    });
  });
  return { url, seen };
}

/**
 * A backend on bare TCP, for what no HTTP server would send: the function is called with all that
 * came so far.
 */
export async function startRaw(
  response: (text: string, socket: Socket) => void,
): Promise<{ url: string; received: () => string }> {
  const sockets = new Set<Socket>();
  let all = '';
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    let text = '';
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      all += chunk.toString('latin1');
      response(text, socket);
    });
  });
  tcpServers.push({ server, sockets });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, received: () => all };
}

/**
 * Sends bytes as they are, and resolves with everything that comes back until the other side
 * closes.
 */
export function sendRaw(port: number, bytes: string | Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', reject);
    socket.on('close', () => resolve(Buffer.concat(chunks).toString('latin1')));
  });
}

const FIRST_CLOSED_PORT = 20_000;
const CLOSED_PORTS = 10_000;

/** A port without a listener. */
export async function closedPort(): Promise<number> {
  // Below the ports that systems give out by themselves: no other test gets it in the meantime.
  const port = FIRST_CLOSED_PORT + Math.floor(Math.random() * CLOSED_PORTS);
  const server = createTcpServer();
  const isFree = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true));
  });
  if (!isFree) return await closedPort();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export function openExchanges(): number {
  return gateway().stats().requests.active;
}

async function listen(server: Server): Promise<{ url: string; port: number }> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, port };
}
