import { CompileServices } from '#lib/runner/pool/compile-services';
import type { CompileService, WarmSandbox } from '#lib/runner/sandbox/sandbox';
import { log } from '#lib/telemetry/log';
import type { RunnerStats } from '#lib/wire/server-stats';

/** A kind of warm sandbox: sandboxes of one template can replace each other. */
export interface SandboxTemplate {
  /** As people see it in the statistics. */
  name: string;
  /** Estimated memory of one sandbox while it waits. */
  megabytes: number;
  /** Target number of sandboxes, as a multiple of the pool's size per template. */
  spareFactor: number;
  /** Belongs to one program: one sandbox waits, and only the newest such templates have one. */
  ephemeral: boolean;
  /** Whether a sandbox can take a program with so many files and so large a binary. */
  accepts: (program: { files: number; bytes: number }) => boolean;
  /** Undefined if what it is made of is no longer available. */
  start: () => WarmSandbox | undefined;
  /** Present if its sandboxes serve many programs; used instead of `start`. */
  startService?: () => CompileService;
}

export interface WarmPoolOptions {
  /** Sandboxes of one template that may wait, before its `spareFactor`. */
  size: number;
  /** Estimated memory that all waiting sandboxes may hold. */
  megabytes: number;
  /** The sandboxes of a template are discarded after so long without a run. */
  idleMs: number;
}

export type WarmSandboxReport = RunnerStats['warm'][number];

interface PoolSlot {
  waiting: WarmSandbox[];
  idleTimer: NodeJS.Timeout | undefined;
}

const MAX_EPHEMERAL = 8;
const REPORT_TTL_MS = 3_000;

/**
 * A pool of single-use sandboxes that were started before their program is known. A template has
 * some from its first run on. They are refilled after a run, never during it, and evicted by LRU
 * when memory is short. See docs/decisions/0007-warm-pool.md.
 */
export class WarmPool {
  readonly #options: WarmPoolOptions;
  /** In order of use, the most recently used template last. */
  readonly #slots = new Map<SandboxTemplate, PoolSlot>();
  readonly #discarding = new Set<Promise<void>>();
  readonly #services: CompileServices;
  #isClosed = false;
  #reportedAt = Number.NEGATIVE_INFINITY;
  #report: WarmSandboxReport[] = [];

  constructor(options: WarmPoolOptions) {
    this.#options = options;
    this.#services = new CompileServices(options);
  }

  /** The number of waiting sandboxes of all templates. */
  get size(): number {
    return [...this.#slots.values()].reduce((sum, { waiting }) => sum + waiting.length, 0);
  }

  /**
   * The waiting sandboxes by template. Cached for seconds: a fresh report reads /proc for each.
   */
  report(now = performance.now()): WarmSandboxReport[] {
    if (now - this.#reportedAt > REPORT_TTL_MS) {
      this.#reportedAt = now;
      this.#report = this.#measure();
    }
    return this.#report;
  }

  #measure(): WarmSandboxReport[] {
    const byName = Map.groupBy(
      [
        ...[...this.#slots].flatMap(([{ name }, { waiting }]) => waiting.map((sandbox) => ({ name, sandbox }))),
        ...this.#services.all(),
      ],
      ({ name }) => name,
    );
    return [...byName].map(([name, waiting]) => ({
      name,
      waiting: waiting.length,
      resident_kb: Math.round(waiting.reduce((sum, { sandbox }) => sum + sandbox.residentBytes(), 0) / 1024),
    }));
  }

  /** Hands out a waiting sandbox that is alive, if the template has one. */
  take(template: SandboxTemplate): WarmSandbox | undefined {
    if (template.startService !== undefined) return this.#services.take(template);
    const waiting = this.#slots.get(template)?.waiting ?? [];
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      if (next.isAlive) return next;
      this.#discard(next);
    }
    return undefined;
  }

  /** Whether a template had sandboxes and the next run would find none. */
  isExhausted(template: SandboxTemplate): boolean {
    return !template.ephemeral && this.#slots.get(template)?.waiting.length === 0;
  }

  /** Replaces the sandboxes that were taken or have died. */
  refill(template: SandboxTemplate): void {
    if (this.#isClosed) return;
    if (template.startService !== undefined) {
      this.#services.refill(template, template.startService, () => this.#reserveMemory(template));
      return;
    }
    const slot = this.#slots.get(template) ?? { waiting: [], idleTimer: undefined };
    this.#slots.delete(template);
    this.#slots.set(template, slot);
    clearTimeout(slot.idleTimer);
    slot.idleTimer = setTimeout(() => this.#empty(template), this.#options.idleMs).unref();
    for (const dead of slot.waiting.filter(({ isAlive }) => !isAlive)) this.#discard(dead);
    slot.waiting = slot.waiting.filter(({ isAlive }) => isAlive);
    try {
      while (slot.waiting.length < this.#target(template) && this.#reserveMemory(template)) {
        const sandbox = template.start();
        if (sandbox === undefined) break;
        slot.waiting.push(sandbox);
      }
    } catch (error) {
      log().error({ kind: template.name, err: error }, 'could not start a warm sandbox');
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const template of this.#slots.keys()) this.#empty(template);
    await Promise.all([...this.#discarding, this.#services.close()]);
  }

  #target({ spareFactor, ephemeral }: SandboxTemplate): number {
    return ephemeral ? 1 : spareFactor * this.#options.size;
  }

  /** Whether one more sandbox fits, after the templates that were used least recently gave way. */
  #reserveMemory(template: SandboxTemplate): boolean {
    const ephemeral = [...this.#slots.keys()].filter((other) => other.ephemeral);
    for (const oldest of ephemeral.slice(0, -MAX_EPHEMERAL)) this.#empty(oldest);
    let held = template.megabytes + this.#services.megabytes;
    if (held > this.#options.megabytes) return false;
    for (const [{ megabytes }, { waiting }] of this.#slots) held += megabytes * waiting.length;
    for (const [other, { waiting }] of this.#slots) {
      if (held <= this.#options.megabytes || other === template) break;
      held -= other.megabytes * waiting.length;
      this.#empty(other);
    }
    return held <= this.#options.megabytes;
  }

  #empty(template: SandboxTemplate): void {
    const slot = this.#slots.get(template);
    clearTimeout(slot?.idleTimer);
    for (const sandbox of slot?.waiting.splice(0) ?? []) this.#discard(sandbox);
    if (template.ephemeral) this.#slots.delete(template);
  }

  #discard(sandbox: WarmSandbox): void {
    const discarding = sandbox
      .discard()
      .catch((error: unknown) => log().error({ err: error }, 'could not discard a warm sandbox'))
      .finally(() => this.#discarding.delete(discarding));
    this.#discarding.add(discarding);
  }
}
