import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { HttpPool, type PoolOptions } from '#lib/http-client/pool';
import type { HttpClientRequest, RequestController, ResponseHandler } from '#lib/http-client/response-handler';
import { chooseDisplaced } from '#lib/max-min-fairness';

/** One connection of a backend, with the bytes that it received. */
export interface RawConnection {
  socket: Socket;
  /** The index in order of connection, from 0. */
  place: number;
  /** All received bytes, as latin1. */
  text: string;
  /** The number of request heads in `text`. */
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

/** Closes all backends and pools that were started. */
export function endAll(): void {
  for (const clean of cleanups.splice(0)) clean();
}

/** A backend on plain TCP. `onBytes` is called for each chunk. */
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

/** A 200 response with `Content-Length`. */
export function rawResponse(body: string, ...lines: string[]): string {
  return ['HTTP/1.1 200 OK', `Content-Length: ${body.length}`, ...lines, '', body].join('\r\n');
}

export function startPool(origin: URL, options: Partial<PoolOptions> = {}): HttpPool {
  const pool = new HttpPool(origin, {
    size: 1,
    maxWaiting: 100,
    chooseDisplaced,
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
  /** The names of the events in order. Consecutive body events count once. */
  readonly calls: string[] = [];
  controller: RequestController | undefined;
  status = 0;
  headers: string[] = [];
  body = '';
  bodyBytes = 0;
  trailers: string[] | undefined;
  error: (Error & { code?: string }) | undefined;
  /** Resolves when the request has ended or failed. */
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

/** Dispatches a request, by default GET `/`. */
export function send(
  pool: HttpPool,
  request: Partial<HttpClientRequest> = {},
  recorder = new ResponseRecorder(),
): ResponseRecorder {
  pool.dispatch({ method: 'GET', path: '/', headers: [], body: null, ...request }, recorder);
  return recorder;
}
