import type { ResourceLimits } from '#lib/runner/resource-limits';
import { writableMounts } from '#lib/runner/sandbox/bubblewrap/arguments';
import type { Cgroup } from '#lib/runner/sandbox/cgroup';
import type { PipePool } from '#lib/runner/sandbox/pipe-pool';
import type { Baseline, RunningSandbox } from '#lib/runner/sandbox/running-sandbox';
import type {
  Execution,
  ExitReport,
  InterpreterSpec,
  SupervisionInput,
  WarmSandbox,
} from '#lib/runner/sandbox/sandbox';
import { killProcess } from '#lib/runner/sandbox/supervision';
import { createWarmSandbox } from '#lib/runner/sandbox/warm-sandbox';
import { meter, ProcessTree, residentBytes } from '#lib/runner/sandbox/watchdog';
import { type ClonedSandbox, Zygote, type ZygoteProcess } from '#lib/runner/sandbox/zygote/zygote';
import { GO } from '#lib/runner/sandbox/zygote/zygote-program';
import { log } from '#lib/telemetry/log';

export interface ZygotesOptions {
  pipes: PipePool;
  start: (spec: InterpreterSpec, slotDescriptors: readonly number[]) => ZygoteProcess;
  createCgroup: (limits: ResourceLimits) => Cgroup | undefined;
  finish: (sandbox: RunningSandbox, input: SupervisionInput, baseline: Baseline) => Promise<ExitReport>;
  /** Runs a program that no zygote can run, in a new sandbox. */
  run: (execution: Execution) => Promise<ExitReport>;
}

interface ZygoteSlot {
  /** Clones sandboxes; undefined until a trial has shown that it can. */
  current: Zygote | undefined;
  /** Set while a zygote is on trial. */
  isTrying: boolean;
  hasWorked: boolean;
  /** Those whose last sandboxes are still running. */
  retired: Set<Zygote>;
  idleTimer: NodeJS.Timeout | undefined;
}

const IDLE_MS = 60_000;
const LENGTH_BYTES = 8;
/** The file of stdin lies in the work directory, and takes part of its size. */
const MAX_STDIN_SHARE = 1 / 16;

/**
 * The zygotes of this machine, one for each interpreter. A zygote is used after it has set up one
 * sandbox completely. If the first one cannot, no other is tried.
 */
export class Zygotes {
  readonly #options: ZygotesOptions;
  readonly #slots = new Map<InterpreterSpec, ZygoteSlot>();
  readonly #unsupported = new WeakSet<InterpreterSpec>();
  readonly #trials = new Set<Promise<void>>();
  readonly #onTrial = new Set<Zygote>();
  #isClosed = false;

  constructor(options: ZygotesOptions) {
    this.#options = options;
  }

  /** Undefined if no zygote can start it at the moment. */
  startInterpreter(spec: InterpreterSpec): WarmSandbox | undefined {
    if (spec.zygote === undefined || this.#unsupported.has(spec) || this.#isClosed) return undefined;
    const slot = this.#slotOf(spec);
    const { current } = slot;
    if (current === undefined || current.isSpent) {
      this.#retire(slot);
      this.#try(spec, slot);
      return undefined;
    }
    clearTimeout(slot.idleTimer);
    slot.idleTimer = setTimeout(() => this.#closeIfIdle(slot), IDLE_MS).unref();
    return this.#clone(current, spec);
  }

  /** Ends all zygotes. None of their sandboxes may be in use. */
  async close(): Promise<void> {
    this.#isClosed = true;
    // One that hangs would never work, nor fail.
    for (const zygote of this.#onTrial) zygote.close();
    await Promise.all(this.#trials);
    for (const { current, retired, idleTimer } of this.#slots.values()) {
      clearTimeout(idleTimer);
      for (const zygote of [...retired, ...(current === undefined ? [] : [current])]) zygote.close();
    }
    const all = [...this.#slots.values()].flatMap(({ current, retired }) => [...retired, current]);
    await Promise.all(all.map((zygote) => zygote?.ended));
    this.#slots.clear();
  }

  #slotOf(spec: InterpreterSpec): ZygoteSlot {
    let slot = this.#slots.get(spec);
    if (slot === undefined) {
      slot = { current: undefined, isTrying: false, hasWorked: false, retired: new Set(), idleTimer: undefined };
      this.#slots.set(spec, slot);
    }
    return slot;
  }

  #try(spec: InterpreterSpec, slot: ZygoteSlot): void {
    if (slot.isTrying) return;
    slot.isTrying = true;
    const trial = this.#tryZygote(spec)
      .then(
        (zygote) => {
          slot.current = zygote;
          slot.hasWorked = true;
        },
        (error: unknown) => {
          // A later one may fail for want of memory or descriptors, which passes.
          if (!slot.hasWorked) this.#unsupported.add(spec);
          log().info({ err: error }, 'no zygote can be used; each interpreter is started by itself');
        },
      )
      .finally(() => {
        slot.isTrying = false;
        this.#trials.delete(trial);
      });
    this.#trials.add(trial);
  }

  /** Starts a zygote; rejects, with it ended, unless a sandbox of it gets as far as its program. */
  async #tryZygote(spec: InterpreterSpec): Promise<Zygote> {
    const { pipes, start } = this.#options;
    const zygote = new Zygote(pipes, (slotDescriptors) => start(spec, slotDescriptors));
    this.#onTrial.add(zygote);
    let sandbox: WarmSandbox | undefined;
    try {
      sandbox = this.#clone(zygote, spec);
      if (sandbox === undefined) throw new Error('the zygote has ended at once');
      await zygote.worked;
      return zygote;
    } catch (error) {
      zygote.close();
      throw error;
    } finally {
      this.#onTrial.delete(zygote);
      await sandbox?.discard();
    }
  }

  #clone(zygote: Zygote, spec: InterpreterSpec): WarmSandbox | undefined {
    const { createCgroup, finish, run } = this.#options;
    const { limits } = spec;
    const cloned = zygote.clone(() => createCgroup(limits));
    if (cloned === undefined) return undefined;
    const sandbox = createWarmSandbox({
      ...{ input: cloned.input, limits, go: GO, finish, deferredFiles: [] },
      open: () => runningSandbox(cloned, limits, zygote),
      handOver: ({ message, stdin }) => {
        if (message === undefined) throw new Error('an interpreter takes its program as a message');
        const length = Buffer.alloc(LENGTH_BYTES);
        length.writeBigUInt64BE(BigInt(stdin.byteLength));
        return Buffer.concat([length, stdin, Buffer.from(message())]);
      },
    });
    return {
      get isAlive() {
        return sandbox.isAlive;
      },
      residentBytes: () => sandbox.residentBytes(),
      discard: () => sandbox.discard(),
      run: async (execution) => {
        if (execution.stdin.byteLength <= limits.diskBytes * MAX_STDIN_SHARE) return sandbox.run(execution);
        await sandbox.discard();
        return run(execution);
      },
    };
  }

  #retire(slot: ZygoteSlot): void {
    const { current, retired } = slot;
    if (current === undefined) return;
    slot.current = undefined;
    retired.add(current);
    void current.idle.then(() => {
      current.close();
      retired.delete(current);
    });
  }

  #closeIfIdle(slot: ZygoteSlot): void {
    if (slot.current?.isIdle !== true) {
      slot.idleTimer = setTimeout(() => this.#closeIfIdle(slot), IDLE_MS).unref();
      return;
    }
    slot.current.close();
    slot.current = undefined;
  }
}

function runningSandbox(cloned: ClonedSandbox, limits: ResourceLimits, zygote: Zygote): RunningSandbox {
  const { stdout, stderr, cgroup, confined, reported, exited, pid } = cloned;
  let isOver = false;
  let isKilled = false;
  let tree: ProcessTree | undefined;
  const closed = exited.then(() => {
    isOver = true;
  });
  const kill = () => {
    isKilled = true;
    const init = pid();
    if (init !== undefined && !isOver) killProcess(init);
  };
  cloned.cloned.then(
    (init) => {
      const { memoryBytes, diskBytes } = limits;
      if (cgroup === undefined) tree = new ProcessTree(init, memoryBytes, writableMounts(diskBytes));
      if (isKilled) kill();
    },
    // `confined` rejects too, and the run reports it.
    () => {},
  );
  return {
    ...{ stdout, stderr, result: undefined, cgroup, confined, reported, exited, closed, kill },
    isOver: () => isOver,
    // The first process was reaped, which the kernel allows only after all others.
    hasNoWriters: () => isOver,
    residentBytes: () => {
      const init = pid();
      return init === undefined ? 0 : residentBytes(init) + zygote.residentShare();
    },
    ...meter(cgroup, () => tree),
  };
}
