import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { CompileSteps, Language, Toolchain } from '#lib/languages/language';
import type { Artifact } from '#lib/runner/artifact';
import type { SandboxTemplate } from '#lib/runner/pool/warm-pool';
import { reopenForReading } from '#lib/runner/sandbox/anonymous-files';
import type { InputFile, LaunchInput } from '#lib/runner/sandbox/sandbox';

const MAX_BYTES = 256 * 1024 * 1024;
const MAX_PROGRAMS = 500;

interface CompiledProgram {
  artifact: Artifact;
  /** What the compiler had to say. */
  warnings: string;
  /** Sandboxes that have it in them. */
  kind?: SandboxTemplate<LaunchInput> | undefined;
}

/**
 * Compiled programs by what went into them, so that the same source with the same flags is compiled once. Bounded by bytes
 * on disk and by number; the files have no names and go with the process. A program that is in use when it leaves the cache
 * stays until its user closes it.
 */
export class CompileCache {
  readonly #programs = new LRUCache<string, CompiledProgram>({
    max: MAX_PROGRAMS,
    maxSize: MAX_BYTES,
    sizeCalculation: ({ artifact }) => artifact.bytes + 1,
    dispose: ({ artifact }) => artifact.close(),
  });

  /** A descriptor of its own, which the caller closes; undefined where there is none. */
  open(key: string): { fd: number; warnings: string } | undefined {
    const compiled = this.#programs.get(key);
    return compiled && { fd: reopenForReading(compiled.artifact.fd), warnings: compiled.warnings };
  }

  /** The sandboxes that have this program in them: `make` is asked once for as long as it is kept. */
  templateFor(
    key: string,
    make: (bytes: number) => SandboxTemplate<LaunchInput> | undefined,
  ): SandboxTemplate<LaunchInput> | undefined {
    const compiled = this.#programs.get(key);
    if (compiled !== undefined && !('kind' in compiled)) compiled.kind = make(compiled.artifact.bytes);
    return compiled?.kind;
  }

  /** Takes over the artifact. */
  store(key: string, artifact: Artifact, warnings: string): void {
    this.#programs.set(key, { artifact, warnings });
    // Too large for the cache as a whole: it was not taken, and nobody else closes it.
    if (!this.#programs.has(key)) artifact.close();
  }

  close(): void {
    this.#programs.clear();
  }
}

/** Everything that can change what is made of a program: the toolchain, its commands, and every file that it can see. Pure. */
export function compileKey(
  language: Language,
  toolchain: Toolchain,
  compilation: CompileSteps | undefined,
  files: readonly InputFile[],
): string {
  const hash = createHash('sha256');
  const add = (part: Uint8Array | string) => {
    hash.update(`${Buffer.byteLength(part)}:`).update(part);
  };
  add(JSON.stringify([language.id, toolchain, compilation]));
  for (const { name, content } of files) {
    add(name);
    add(content);
  }
  return hash.digest('base64');
}
