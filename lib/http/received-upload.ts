import { Readable } from 'node:stream';
import { type BodyBudget, BodyBuffer, budgetExhausted, recycleBody, uploadBudget } from '#lib/http/body-budget';
import type { BodyStream } from '#lib/http/body-stream';
import { lockedOut, type OpenPiece, openWork } from '#lib/http/open-work';
import { UploadFile } from '#lib/http/upload-file';
import { KIB } from '#lib/units';

/** A body up to this size stays in memory. */
const MAX_MEMORY_BYTES = 256 * KIB;
/** Memory of a larger one while it is sent: two reads, and the buffers of the connection. */
const SENDING_BYTES = 192 * KIB;

/** A part of a body that is sent with other bytes. */
export interface Replacement {
  readonly start: number;
  readonly end: number;
  readonly bytes: Uint8Array;
}

/** A body that has arrived, in memory or on disk. The receiver releases it. */
export interface ReceivedUpload {
  readonly bytes: number;
  /** What it takes of the memory. */
  readonly heldBytes: number;
  /** The bytes from `start` up to `end`. */
  read(start: number, end: number): Promise<Uint8Array>;
  /** The body from its beginning. May be called again. */
  content(replacement?: Replacement): Readable | Uint8Array;
  /** Frees memory and disk: content that is read then fails. May be called more than once. */
  release(): void;
}

/**
 * Receives a body to its end. Throws `queue_full` if the budget for its bytes, or the disk, is used
 * up, `cancelled` if the caller is locked out, and the errors of the stream. Nothing of it is left
 * then.
 */
export async function receiveUpload(
  { content, declaredBytes }: BodyStream,
  caller: string,
  budget: BodyBudget = uploadBudget(),
): Promise<ReceivedUpload> {
  if (declaredBytes !== undefined && declaredBytes > MAX_MEMORY_BYTES && !budget.hasCapacity(caller, declaredBytes)) {
    content.destroy();
    throw budgetExhausted();
  }
  const memory = new BodyBuffer(caller, MAX_MEMORY_BYTES, Math.min(declaredBytes ?? 0, MAX_MEMORY_BYTES));
  let inMemory = 0;
  let file: UploadFile | undefined;
  const piece: OpenPiece = { endNow: () => void content.destroy(lockedOut()) };
  openWork().add(caller, piece);
  try {
    for await (const chunk of content as AsyncIterable<Buffer>) {
      if (file === undefined && inMemory + chunk.byteLength > MAX_MEMORY_BYTES) {
        file = new UploadFile(caller, budget);
        const start = memory.finish();
        if (start.byteLength > 0) await file.append(start);
        recycleBody(start);
      }
      if (file !== undefined) await file.append(chunk);
      else {
        memory.append(chunk);
        inMemory += chunk.byteLength;
      }
    }
    return file === undefined ? inMemoryUpload(memory.finish()) : onDiskUpload(file);
  } catch (error) {
    file?.release();
    throw error;
  } finally {
    openWork().remove(caller, piece);
    memory.release();
  }
}

function inMemoryUpload(body: Uint8Array): ReceivedUpload {
  return {
    bytes: body.byteLength,
    heldBytes: body.byteLength,
    read: async (start, end) => body.subarray(start, end),
    content(replacement) {
      if (replacement === undefined) return body;
      const { start, end, bytes } = replacement;
      return Buffer.concat([body.subarray(0, start), bytes, body.subarray(end)]);
    },
    release: () => {},
  };
}

function onDiskUpload(file: UploadFile): ReceivedUpload {
  const { bytes: size } = file;
  async function* spliced({ start, end, bytes }: Replacement): AsyncGenerator<Uint8Array, void> {
    yield* file.chunks(0, start);
    yield bytes;
    yield* file.chunks(end, size);
  }
  return {
    bytes: size,
    heldBytes: SENDING_BYTES,
    read: (start, end) => file.read(start, end),
    content: (replacement) => Readable.from(replacement === undefined ? file.chunks(0, size) : spliced(replacement)),
    release: () => file.release(),
  };
}
