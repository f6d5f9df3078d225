import type { Message } from '#lib/wire/chat';

/** A request with messages or a completion, of a caller or for a model. */
interface WithMessages {
  messages: readonly Message[];
  completion?: { readonly images?: readonly string[] | undefined } | undefined;
}

/**
 * A request as bytes outside the JavaScript heap, so that the memory of a waiting request is known
 * exactly. Images are stored decoded, a quarter smaller than their base64.
 */
export class PackedRequest<T extends WithMessages> {
  readonly bytes: number;
  readonly #json: Buffer;
  readonly #images: readonly Buffer[];

  constructor(request: T | readonly Buffer[]) {
    if (isPacked(request)) {
      const [json, ...packedImages] = request;
      this.#json = json ?? Buffer.alloc(0);
      this.#images = packedImages;
      this.bytes = byteLengthOf(request);
      return;
    }
    const images: Buffer[] = [];
    const withoutImages = <P extends { readonly images?: readonly string[] | undefined }>(part: P) => {
      if (part.images === undefined) return part;
      for (const image of part.images) images.push(outsideHeap(image, 'base64'));
      return { ...part, images: part.images.length };
    };
    const completion = request.completion && withoutImages(request.completion);
    const messages = request.messages.map(withoutImages);
    this.#json = outsideHeap(JSON.stringify({ ...request, completion, messages }), 'utf8');
    this.#images = images;
    this.bytes = images.reduce((bytes, image) => bytes + image.byteLength, this.#json.byteLength);
  }

  /** JSON and images, of which the constructor makes an equal one. */
  get buffers(): readonly Buffer[] {
    return [this.#json, ...this.#images];
  }

  /** Returns an equal request. */
  unpack(): T {
    let next = 0;
    const request = JSON.parse(this.#json.toString());
    for (const part of [request.completion, ...request.messages]) {
      if (part?.images === undefined) continue;
      const end = next + part.images;
      part.images = this.#images.slice(next, end).map((image) => image.toString('base64'));
      next = end;
    }
    return request;
  }
}

const LENGTH_BYTES = 4;

/** Buffers as one, each after its length. */
export function joinBuffers(buffers: readonly Buffer[]): Buffer {
  return Buffer.concat(
    buffers.flatMap((buffer) => {
      const length = Buffer.alloc(LENGTH_BYTES);
      length.writeUInt32LE(buffer.byteLength);
      return [length, buffer];
    }),
  );
}

/** What `joinBuffers` has joined. Throws for other bytes. */
export function splitBuffers(bytes: Uint8Array): Buffer[] {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const buffers: Buffer[] = [];
  for (let at = 0; at < all.byteLength; ) {
    if (at + LENGTH_BYTES > all.byteLength) throw new Error('the stored request is cut');
    const end = at + LENGTH_BYTES + all.readUInt32LE(at);
    if (end > all.byteLength) throw new Error('the stored request is cut');
    buffers.push(all.subarray(at + LENGTH_BYTES, end));
    at = end;
  }
  return buffers;
}

function isPacked(request: object): request is readonly Buffer[] {
  return Array.isArray(request);
}

function byteLengthOf(buffers: readonly Buffer[]): number {
  return buffers.reduce((bytes, { byteLength }) => bytes + byteLength, 0);
}

/**
 * A request until its model is known. It stays an object in this turn of the event loop only, in
 * which nearly every model is known: a later turn finds it packed.
 */
export class ArrivingRequest<T extends WithMessages> {
  #request: T | PackedRequest<T> | undefined;

  constructor(request: T) {
    this.#request = request;
    // Runs after all promises that are settled now, and before any other input is read.
    process.nextTick(() => this.#pack());
  }

  get isPacked(): boolean {
    return this.#request instanceof PackedRequest;
  }

  /** Returns the request, or an equal one. To be called once. */
  take(): T {
    const request = this.#request;
    this.#request = undefined;
    if (request === undefined) throw new Error('a request is taken once');
    return request instanceof PackedRequest ? request.unpack() : request;
  }

  #pack(): void {
    if (this.#request !== undefined && !(this.#request instanceof PackedRequest))
      this.#request = new PackedRequest(this.#request);
  }
}

/** A separate allocation: a slice of Node's shared pool would retain the whole pool. */
function outsideHeap(text: string, encoding: 'base64' | 'utf8'): Buffer {
  const buffer = Buffer.from(new ArrayBuffer(Buffer.byteLength(text, encoding)));
  const written = buffer.write(text, encoding);
  return written === buffer.byteLength ? buffer : buffer.subarray(0, written);
}

/**
 * Upper bound on the memory of a JSON value without its text: an object or array, and its slot.
 */
const VALUE_BYTES = 48;

/** Approximate memory of a request as objects. */
export function estimateRequestBytes({ messages, ...rest }: WithMessages): number {
  let bytes = 0;
  for (const { content, images, tool_calls } of messages) {
    bytes += MESSAGE_BYTES + content.length;
    if (images !== undefined) for (const image of images) bytes += image.length;
    if (tool_calls !== undefined) bytes += estimateValueBytes(tool_calls);
  }
  for (const value of Object.values(rest)) bytes += estimateValueBytes(value);
  return bytes;
}

const MESSAGE_BYTES = 160;

/** Approximate memory of a JSON value as objects and strings. */
export function estimateValueBytes(value: unknown): number {
  if (typeof value === 'string') return VALUE_BYTES + value.length;
  if (typeof value !== 'object' || value === null) return 8;
  let bytes = VALUE_BYTES;
  for (const inner of Object.values(value)) bytes += VALUE_BYTES + estimateValueBytes(inner);
  return bytes;
}
