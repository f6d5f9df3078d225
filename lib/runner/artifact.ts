import { closeSync, writeSync } from 'node:fs';
import { namelessDiskFile } from '#lib/runner/sandbox/descriptors';

const MAX_BYTES = 64 * 1024 * 1024;

/** What a compile job has made: untrusted bytes, kept in a file without a name, never in this process's memory. */
export class Artifact {
  readonly fd = namelessDiskFile();
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  /** Takes the next bytes; false where they are more than any program should have. */
  write(chunk: Buffer): boolean {
    if (this.#bytes + chunk.byteLength > MAX_BYTES) return false;
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
