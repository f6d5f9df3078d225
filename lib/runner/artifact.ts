import { closeSync, writeSync } from 'node:fs';
import { anonymousDiskFile } from '#lib/runner/sandbox/anonymous-files';

/** Of a program, unless the disk of one holds more. */
const MIN_CAPACITY_BYTES = 64 * 1024 * 1024;

/** What a compile job has made: untrusted bytes, kept in a file without a name, never in this process's memory. */
export class Artifact {
  readonly fd = anonymousDiskFile();
  /** What it holds at most. */
  readonly maxBytes: number;
  #bytes = 0;
  #overflowed = false;

  /** `diskBytes` is what the disk of a program holds, on which this would lie. */
  constructor(diskBytes = 0) {
    this.maxBytes = Math.max(MIN_CAPACITY_BYTES, diskBytes);
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Whether there was more than it holds. */
  get overflowed(): boolean {
    return this.#overflowed;
  }

  /** Takes the next bytes; false where they are more than it holds. */
  write(chunk: Buffer): boolean {
    if (this.#bytes + chunk.byteLength > this.maxBytes) this.#overflowed = true;
    if (this.#overflowed) return false;
    for (let done = 0; done < chunk.byteLength; )
      done += writeSync(this.fd, chunk, done, chunk.byteLength - done, this.#bytes + done);
    this.#bytes += chunk.byteLength;
    return true;
  }

  static of(content: Buffer): Artifact {
    const artifact = new Artifact();
    artifact.write(content);
    return artifact;
  }

  close(): void {
    closeSync(this.fd);
  }
}
