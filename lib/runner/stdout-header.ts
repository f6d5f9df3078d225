import { MAX_ARTIFACT_BYTES } from '#lib/languages/sandbox-interface';
import type { WarmSandbox } from '#lib/runner/sandbox/sandbox';

/**
 * The header that a warm interpreter writes to stdout before its program starts: four bytes of
 * length, big endian, and as many bytes to cache for the next run of the program. An empty header
 * means that there is nothing to cache. All later bytes are the program's, whatever they look
 * like.
 */
export class StdoutHeader {
  readonly #onHeader: (content: Buffer) => void;
  readonly #onStdout: (chunk: Buffer) => boolean;
  #buffered: Buffer | undefined = Buffer.alloc(0);

  /** `onHeader` gets the content unless it is empty, `onStdout` the output of the program. */
  constructor(onHeader: (content: Buffer) => void, onStdout: (chunk: Buffer) => boolean) {
    this.#onHeader = onHeader;
    this.#onStdout = onStdout;
  }

  /** Takes a chunk; returns false if the program must be stopped. */
  write(chunk: Buffer): boolean {
    if (this.#buffered === undefined) return this.#onStdout(chunk);
    const buffered = Buffer.concat([this.#buffered, chunk]);
    this.#buffered = buffered;
    if (buffered.byteLength < LENGTH_BYTES) return true;
    const end = LENGTH_BYTES + buffered.readUInt32BE();
    if (end > LENGTH_BYTES + MAX_ARTIFACT_BYTES) return false;
    if (buffered.byteLength < end) return true;
    this.#buffered = undefined;
    if (end > LENGTH_BYTES) this.#onHeader(buffered.subarray(LENGTH_BYTES, end));
    return buffered.byteLength === end || this.#onStdout(buffered.subarray(end));
  }
}

const LENGTH_BYTES = 4;

/** Decorates a warm sandbox: splits the header off, and passes it to `Execution.onHeader`. */
export function withStdoutHeader(sandbox: WarmSandbox): WarmSandbox {
  return {
    get isAlive() {
      return sandbox.isAlive;
    },
    residentBytes: () => sandbox.residentBytes(),
    run: (execution) => {
      const header = new StdoutHeader(execution.onHeader ?? (() => {}), execution.onStdout);
      return sandbox.run({ ...execution, onStdout: (chunk) => header.write(chunk) });
    },
    discard: () => sandbox.discard(),
  };
}
