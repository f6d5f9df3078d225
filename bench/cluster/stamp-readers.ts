/**
 * Readers of queued requests whose responses are the stamps of `paced-model-server.ts`. They read
 * raw sockets: a thousand of them must not cost the machine what is to be measured.
 */
import { connect, type Socket } from 'node:net';

/** `t` and 16 digits: microseconds since the epoch. A space follows. */
const STAMP_LENGTH = 17;
const SPACE = 32;
const LONGEST_TAIL = 32;

/** A time window, and what arrives in it. */
export class Arrivals {
  isOpen = false;
  tokens = 0;
  /** Microseconds between the model server's write and the arrival here. */
  readonly delaysUs: number[] = [];
  #openedMs = 0;
  #ms = 0;

  open(): void {
    this.isOpen = true;
    this.#openedMs = performance.now();
  }

  close(): void {
    this.isOpen = false;
    this.#ms = performance.now() - this.#openedMs;
  }

  get seconds(): number {
    return this.#ms / 1_000;
  }

  add(delayUs: number): void {
    this.tokens += 1;
    this.delaysUs.push(delayUs);
  }
}

export interface StampReader {
  /** Resolves with the first token. Rejects without one. */
  readonly begun: Promise<void>;
  /** Resolves once the connection is closed: whether the response was read to its end. */
  readonly over: Promise<boolean>;
  end(): void;
}

/** Reads a queued request at a server. What arrives while the window is open is recorded. */
export function readStamps(serverUrl: string, requestId: string, arrivals: Arrivals): StampReader {
  const { hostname, port } = new URL(serverUrl);
  const begun = Promise.withResolvers<void>();
  const over = Promise.withResolvers<boolean>();
  // It may be awaited later than it rejects.
  begun.promise.catch(() => {});
  const socket: Socket = connect(Number(port), hostname, () =>
    socket.write(
      `GET /api/chat-queue?requestId=${requestId} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nAccept: text/event-stream\r\nConnection: close\r\n\r\n`,
    ),
  );
  socket.setEncoding('latin1').setNoDelay(true);
  let rest = '';
  let isWhole = false;
  socket.on('data', (chunk: string) => {
    const nowUs = (performance.timeOrigin + performance.now()) * 1_000;
    const { stampsUs, tail } = findStamps(rest + chunk);
    isWhole ||= (rest + chunk).includes('event: done');
    rest = tail;
    if (stampsUs.length > 0) begun.resolve();
    if (arrivals.isOpen) for (const stampUs of stampsUs) arrivals.add(nowUs - stampUs);
  });
  socket.on('error', (error) => begun.reject(error));
  socket.on('close', () => {
    begun.reject(new Error(`the stream of ${requestId} ended before its first token: ${rest}`));
    over.resolve(isWhole);
  });
  return { begun: begun.promise, over: over.promise, end: () => socket.destroy() };
}

/** The stamps in a text, and its end, which may go on in the next text. No stamp is in both. */
export function findStamps(text: string): { stampsUs: number[]; tail: string } {
  const stampsUs: number[] = [];
  let end = 0;
  for (let from = text.indexOf('t1'); from !== -1; from = text.indexOf('t1', from + 2)) {
    if (text.charCodeAt(from + STAMP_LENGTH) !== SPACE) continue;
    const stampUs = Number(text.slice(from + 1, from + STAMP_LENGTH));
    if (Number.isNaN(stampUs)) continue;
    end = from + STAMP_LENGTH;
    stampsUs.push(stampUs);
  }
  return { stampsUs, tail: text.slice(Math.max(end, text.length - LONGEST_TAIL)) };
}
