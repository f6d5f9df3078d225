import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { HttpPool, type PoolOptions } from '#lib/http-client/pool';
import type { HttpClientRequest, RequestController, ResponseHandler } from '#lib/http-client/response-handler';

/** For tests: what a backend was sent over one connection, and that connection. */
export interface RawConnection {
  socket: Socket;
  /** Which of the connections in the order that they were made, from 0. */
  place: number;
  /** All that came over it so far, as latin1. */
  text: string;
  /** How many heads of requests these are. */
  count: number;
}

export interface RawBackend {
  origin: URL;
  connections: RawConnection[];
}

interface BackendOptions {
  server?: Server;
  scheme?: 'http' | 'https';
  host?: string;
}

const cleanups: (() => void)[] = [];

/** Ends whatever the tests started. */
export function endAll(): void {
  for (const clean of cleanups.splice(0)) clean();
}

/** A backend on bare TCP: `onBytes` is called whenever something came. */
export async function startBackend(
  onBytes: (served: RawConnection) => void,
  { server = createServer(), scheme = 'http', host = '127.0.0.1' }: BackendOptions = {},
): Promise<RawBackend> {
  const connections: RawConnection[] = [];
  server.on(scheme === 'https' ? 'secureConnection' : 'connection', (socket: Socket) => {
    const served: RawConnection = { socket, place: connections.length, text: '', count: 0 };
    connections.push(served);
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      served.text += chunk.toString('latin1');
      served.count = served.text.split(' HTTP/1.1\r\n').length - 1;
      onBytes(served);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  cleanups.push(() => {
    server.close();
    for (const { socket } of connections) socket.destroy();
  });
  const { port } = server.address() as AddressInfo;
  return { origin: new URL(`${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`), connections };
}

/** A response with a length. */
export function rawResponse(body: string, ...lines: string[]): string {
  return ['HTTP/1.1 200 OK', `Content-Length: ${body.length}`, ...lines, '', body].join('\r\n');
}

export function startPool(origin: URL, options: Partial<PoolOptions> = {}): HttpPool {
  const pool = new HttpPool(origin, {
    size: 1,
    maxWaiting: 100,
    connectMs: 5_000,
    responseMs: 5_000,
    keepAliveMs: 5_000,
    ...options,
  });
  cleanups.push(() => pool.close());
  return pool;
}

/** A request that records its events. */
export class ResponseRecorder implements ResponseHandler {
  /** The names of the calls in their order; those of the body once. */
  readonly calls: string[] = [];
  controller: RequestController | undefined;
  status = 0;
  headers: string[] = [];
  body = '';
  bodyBytes = 0;
  trailers: string[] | undefined;
  error: (Error & { code?: string }) | undefined;
  /** Resolves when it is over, whichever way. */
  readonly over: Promise<this>;
  onStart: (controller: RequestController) => void = () => {};
  onResponse: () => void = () => {};
  onData: () => void = () => {};
  #end: () => void = () => {};

  constructor() {
    this.over = new Promise((resolve) => {
      this.#end = () => resolve(this);
    });
  }

  onRequestStart(controller: RequestController): void {
    this.calls.push('request');
    this.controller = controller;
    this.onStart(controller);
  }

  onResponseStart(status: number, _message: string, headers: string[]): void {
    this.calls.push(String(status));
    this.status = status;
    this.headers = headers;
    this.onResponse();
  }

  onResponseData(chunk: Buffer): void {
    if (this.calls.at(-1) !== 'data') this.calls.push('data');
    this.bodyBytes += chunk.length;
    if (this.body.length < 1_000) this.body += chunk.toString('latin1');
    this.onData();
  }

  onResponseEnd(trailers: string[]): void {
    this.calls.push('end');
    this.trailers = trailers;
    this.#end();
  }

  onResponseError(error: Error): void {
    this.calls.push('error');
    this.error = error;
    this.#end();
  }
}

/** Dispatches a request, a GET of `/` where nothing else is said. */
export function send(
  pool: HttpPool,
  request: Partial<HttpClientRequest> = {},
  recorder = new ResponseRecorder(),
): ResponseRecorder {
  pool.dispatch({ method: 'GET', path: '/', headers: [], body: null, ...request }, recorder);
  return recorder;
}
