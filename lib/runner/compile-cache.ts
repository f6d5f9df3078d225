import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { CompileSteps, Language, Toolchain } from '#lib/languages/language';
import type { Artifact } from '#lib/runner/artifact';
import type { SandboxTemplate } from '#lib/runner/pool/warm-pool';
import { reopenForReading } from '#lib/runner/sandbox/anonymous-files';
import type { InputFile } from '#lib/runner/sandbox/sandbox';

const MAX_BYTES = 256 * 1024 * 1024;
const MAX_PROGRAMS = 500;

interface CompiledProgram {
  artifact: Artifact;
  /** The messages of a compiler that succeeded. */
  warnings: string;
  /** Sandboxes that contain the program. Absent until it was built once. */
  template?: SandboxTemplate | undefined;
}

/**
 * An LRU cache of compiled programs, keyed by all inputs of the compiler. Bounded by bytes on disk
 * and by number. Its files have no names, so they end with the process. A program that is evicted
 * while it runs stays until its descriptor is closed.
 */
export class CompileCache {
  readonly #programs = new LRUCache<string, CompiledProgram>({
    max: MAX_PROGRAMS,
    maxSize: MAX_BYTES,
    sizeCalculation: ({ artifact }) => artifact.bytes + 1,
    dispose: ({ artifact }) => artifact.close(),
  });

  /** Opens a descriptor of the program, which the caller closes; undefined if it is not cached. */
  open(key: string): { fd: number; warnings: string } | undefined {
    const compiled = this.#programs.get(key);
    return compiled && { fd: reopenForReading(compiled.artifact.fd), warnings: compiled.warnings };
  }

  /** The template of sandboxes that contain the program. `build` runs once while it is cached. */
  templateFor(key: string, build: (bytes: number) => SandboxTemplate | undefined): SandboxTemplate | undefined {
    const compiled = this.#programs.get(key);
    if (compiled !== undefined && !('template' in compiled)) compiled.template = build(compiled.artifact.bytes);
    return compiled?.template;
  }

  /** Takes over the artifact. */
  store(key: string, artifact: Artifact, warnings: string): void {
    this.#programs.set(key, { artifact, warnings });
    // The cache rejects an entry above its own bound, without disposing of it.
    if (!this.#programs.has(key)) artifact.close();
  }

  close(): void {
    this.#programs.clear();
  }
}

/** Hashes all inputs of a compilation: the toolchain, its commands, and every file. Pure. */
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
