import { closeSync, writeSync } from 'node:fs';
import { anonymousDiskFile } from '#lib/runner/sandbox/anonymous-files';

/** The capacity, unless the disk of a program is larger. */
const MIN_CAPACITY_BYTES = 64 * 1024 * 1024;

/** Output of a compiler: untrusted bytes in an anonymous file, never in this process's memory. */
export class Artifact {
  readonly fd = anonymousDiskFile();
  readonly maxBytes: number;
  #bytes = 0;
  #overflowed = false;

  /** `diskBytes` is the size of a program's disk. */
  constructor(diskBytes = 0) {
    this.maxBytes = Math.max(MIN_CAPACITY_BYTES, diskBytes);
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Whether the output was larger than `maxBytes`. */
  get overflowed(): boolean {
    return this.#overflowed;
  }

  /** Appends a chunk; returns false if it does not fit. */
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
