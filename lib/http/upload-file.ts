import { close, read, write } from 'node:fs';
import { tmpdir } from 'node:os';
import { promisify } from 'node:util';
import { openAnonymousFile } from '#lib/anonymous-file';
import { AppError } from '#lib/errors';
import { type BodyBudget, budgetExhausted } from '#lib/http/body-budget';

const readAt = promisify(read);
const writeAt = promisify(write);

const OWNER_ONLY_MODE = 0o600;
const READ_BYTES = 64 * 1024;
/** The file system, or the share of it that this user may have, is full. */
const FULL_CODES: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/**
 * A body on the disk of the temporary directory, in a file without a name: it ends with its
 * descriptor, so a killed server leaves nothing behind. Its bytes count in a budget.
 */
export class UploadFile {
  readonly #fd: number;
  readonly #caller: string;
  readonly #budget: BodyBudget;
  #bytes = 0;
  /** Reads and writes under way: a descriptor that closes under them may be another file's next. */
  #users = 0;
  #isReleased = false;

  constructor(caller: string, budget: BodyBudget) {
    this.#caller = caller;
    this.#budget = budget;
    try {
      this.#fd = openAnonymousFile([tmpdir()], OWNER_ONLY_MODE);
    } catch (error) {
      throw diskError(error);
    }
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Throws `queue_full` if the budget or the disk is used up. */
  async append(chunk: Uint8Array): Promise<void> {
    if (!this.#budget.reserve(this.#caller, chunk.byteLength)) throw budgetExhausted();
    const start = this.#bytes;
    this.#bytes += chunk.byteLength;
    await this.#use(async () => {
      for (let written = 0; written < chunk.byteLength; )
        written += (await writeAt(this.#fd, chunk, written, chunk.byteLength - written, start + written)).bytesWritten;
    }).catch((error: unknown) => {
      throw diskError(error);
    });
  }

  /** The bytes from `start` up to `end`. */
  async read(start: number, end: number): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for await (const chunk of this.chunks(start, end)) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  /** The bytes from `start` up to `end`, as they are wanted. Throws once it is released. */
  async *chunks(start: number, end: number): AsyncGenerator<Buffer, void> {
    for (let position = start; position < end; ) {
      const buffer = Buffer.allocUnsafeSlow(Math.min(READ_BYTES, end - position));
      const { bytesRead } = await this.#use(() => readAt(this.#fd, buffer, 0, buffer.byteLength, position));
      if (bytesRead === 0) throw new Error('the file of an upload ends early');
      position += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  }

  /** Frees the disk, and the bytes in the budget. May be called more than once. */
  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#budget.release(this.#caller, this.#bytes);
    this.#closeIfUnused();
  }

  async #use<T>(work: () => Promise<T>): Promise<T> {
    if (this.#isReleased) throw new Error('the file of an upload is read after its release');
    this.#users += 1;
    try {
      return await work();
    } finally {
      this.#users -= 1;
      this.#closeIfUnused();
    }
  }

  #closeIfUnused(): void {
    // Nothing is left to do about a descriptor that does not close.
    if (this.#isReleased && this.#users === 0) close(this.#fd, () => {});
  }
}

function diskError(error: unknown): AppError {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (FULL_CODES.has(code))
    return new AppError('queue_full', 'The disk of the server is too full for this upload. Free some space on it.', {
      data: { reason: 'disk' },
      cause: error,
    });
  return new AppError(
    'not_configured',
    'The server cannot store uploads in its temporary directory. Set TMPDIR to a directory that it can write to.',
    { cause: error },
  );
}
