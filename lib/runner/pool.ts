import { closeSync } from 'node:fs';
import { log } from '#lib/observe/log';
import type { Language, Toolchain } from '#lib/runner/languages/language';
import type { Limits } from '#lib/runner/limits';
import { namelessFile } from '#lib/runner/sandbox/descriptors';
import type { Sandbox, Waiting } from '#lib/runner/sandbox/sandbox';

export interface PoolOptions {
  /** How many may wait for each language: memory is bounded by this times the languages that wait. */
  size: number;
  /** Of a program that may take as long as any. */
  limits: Limits;
  /** Without a run for so long, a language's sandboxes are given up. */
  idleMs: number;
}

/**
 * Sandboxes that were set up beforehand, with an interpreter that waits for its program. Each runs one program and dies. A
 * language has some from its first run on; they are made up again after a run, never in its way.
 */
export class WarmPool {
  readonly #sandbox: Sandbox;
  readonly #options: PoolOptions;
  readonly #waiting = new Map<Language, Waiting[]>();
  readonly #idle = new Map<Language, NodeJS.Timeout>();
  readonly #leaving = new Set<Promise<void>>();
  #isClosed = false;

  constructor(sandbox: Sandbox, options: PoolOptions) {
    this.#sandbox = sandbox;
    this.#options = options;
  }

  /** How many wait, for all languages together. */
  get size(): number {
    return [...this.#waiting.values()].reduce((sum, { length }) => sum + length, 0);
  }

  take(language: Language): Waiting | undefined {
    const waiting = this.#waiting.get(language);
    for (let next = waiting?.shift(); next !== undefined; next = waiting?.shift()) {
      if (next.isAlive) return next;
      this.#discard(next);
    }
    return undefined;
  }

  /** Makes up for what was taken. */
  refill(language: Language, toolchain: Toolchain): void {
    const { warm } = language;
    if (warm === undefined || this.#sandbox.wait === undefined || this.#isClosed) return;
    clearTimeout(this.#idle.get(language));
    this.#idle.set(language, setTimeout(() => this.#giveUp(language), this.#options.idleMs).unref());
    const waiting = this.#waiting.get(language) ?? [];
    this.#waiting.set(language, waiting);
    const { argv, env = {} } = warm.command(toolchain);
    const program = namelessFile(Buffer.from(warm.script));
    try {
      while (waiting.length < this.#options.size)
        waiting.push(this.#sandbox.wait({ argv, env, binds: toolchain.binds, limits: this.#options.limits, program }));
    } catch (error) {
      log().error({ language: language.id, err: error }, 'no sandbox could be set up beforehand');
    } finally {
      closeSync(program);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const language of this.#waiting.keys()) this.#giveUp(language);
    await Promise.all(this.#leaving);
  }

  #giveUp(language: Language): void {
    clearTimeout(this.#idle.get(language));
    for (const waiting of this.#waiting.get(language)?.splice(0) ?? []) this.#discard(waiting);
  }

  #discard(waiting: Waiting): void {
    const leaving = waiting.discard().finally(() => this.#leaving.delete(leaving));
    this.#leaving.add(leaving);
  }
}
