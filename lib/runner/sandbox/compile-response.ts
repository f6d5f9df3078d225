/**
 * The protocol of a compile service, which `CompileService.java` speaks. Numbers are big endian.
 *
 * A request is 16 random bytes, the bound of the messages (4 bytes), and the input that the
 * language encodes. A response repeats the 16 bytes; the exit code (4 bytes), the messages and the
 * artifact follow, the former after a length of 4 bytes, the latter after one of 8.
 */

export const NONCE_BYTES = 16;
const HEAD_BYTES = NONCE_BYTES + 8;
const LENGTH_BYTES = 8;
/** More than its bound, so that the bound shows. */
const EXCESS_BYTES = 16;
const MAX_EXIT_CODE = 127;

export function compileRequest(nonce: Uint8Array, messageBytes: number, input: Uint8Array | string): Buffer {
  const bound = Buffer.alloc(4);
  bound.writeInt32BE(messageBytes);
  return Buffer.concat([nonce, bound, typeof input === 'string' ? Buffer.from(input) : input]);
}

export interface ResponseHandlers {
  /** The messages of the compiler, once all of them are there. */
  onMessages: (messages: Buffer) => void;
  /** The artifact as it arrives. False: it is too large. */
  onArtifact: (chunk: Buffer) => boolean;
}

export type ResponseProgress = 'incomplete' | 'complete' | 'too large' | 'malformed';

/** Reads one response, whose bytes may be cut anywhere. Bounded by `messageBytes`. */
export class CompileResponse {
  readonly #nonce: Uint8Array;
  readonly #maxMessageBytes: number;
  readonly #handlers: ResponseHandlers;
  /** What was received of the head, the messages and the length of the artifact. */
  #buffered = Buffer.alloc(0);
  /** Undefined until the artifact begins. */
  #artifactBytesLeft: bigint | undefined;
  #exitCode: number | undefined;

  constructor(nonce: Uint8Array, messageBytes: number, handlers: ResponseHandlers) {
    this.#nonce = nonce;
    this.#maxMessageBytes = messageBytes + EXCESS_BYTES;
    this.#handlers = handlers;
  }

  /** Undefined until the head was received. */
  get exitCode(): number | undefined {
    return this.#exitCode;
  }

  /** Whether a handler was called: no other compiler can take over. */
  get hasBegun(): boolean {
    return this.#artifactBytesLeft !== undefined;
  }

  write(chunk: Buffer): ResponseProgress {
    if (this.#artifactBytesLeft !== undefined) return this.#readArtifact(chunk);
    this.#buffered = Buffer.concat([this.#buffered, chunk]);
    const received = this.#buffered;
    if (!startsAlike(received, this.#nonce)) return 'malformed';
    if (received.byteLength < HEAD_BYTES) return 'incomplete';
    const exitCode = received.readInt32BE(NONCE_BYTES);
    const messageBytes = received.readInt32BE(NONCE_BYTES + 4);
    if (exitCode < 0 || exitCode > MAX_EXIT_CODE) return 'malformed';
    if (messageBytes < 0 || messageBytes > this.#maxMessageBytes) return 'malformed';
    const end = HEAD_BYTES + messageBytes;
    if (received.byteLength < end + LENGTH_BYTES) return 'incomplete';
    const artifactBytes = received.readBigInt64BE(end);
    if (artifactBytes < 0n || (exitCode !== 0 && artifactBytes !== 0n)) return 'malformed';
    this.#exitCode = exitCode;
    this.#artifactBytesLeft = artifactBytes;
    this.#buffered = Buffer.alloc(0);
    this.#handlers.onMessages(received.subarray(HEAD_BYTES, end));
    return this.#readArtifact(received.subarray(end + LENGTH_BYTES));
  }

  #readArtifact(chunk: Buffer): ResponseProgress {
    const left = (this.#artifactBytesLeft ?? 0n) - BigInt(chunk.byteLength);
    if (left < 0n) return 'malformed';
    this.#artifactBytesLeft = left;
    if (chunk.byteLength > 0 && !this.#handlers.onArtifact(chunk)) return 'too large';
    return left === 0n ? 'complete' : 'incomplete';
  }
}

function startsAlike(received: Uint8Array, nonce: Uint8Array): boolean {
  const length = Math.min(received.byteLength, nonce.byteLength);
  return Buffer.compare(received.subarray(0, length), nonce.subarray(0, length)) === 0;
}
