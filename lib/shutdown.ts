import { singleton } from '#lib/singletons';

type ShutdownHook = () => void | Promise<void>;

/**
 * Whether the server stops: it is not ready for new clients, and goes on for a
 * while.
 */
export function isStopping(): boolean {
  return stopping().isBegun;
}

/**
 * Calls `hook` when the server begins to stop, before its connections are closed. Must not throw.
 */
export function onStopping(hook: () => void): void {
  stopping().hooks.push(hook);
}

/** Marks the server as stopping. The first call counts. */
export function beginStopping(): void {
  const state = stopping();
  if (state.isBegun) return;
  state.isBegun = true;
  for (const hook of state.hooks.splice(0)) hook();
}

/**
 * Registers work that goes on without a connection: a server that stops waits while `isBusy`
 * returns true, until its deadline.
 */
export function delayStopWhile(isBusy: () => boolean): void {
  stopping().work.push(isBusy);
}

/** Whether any such work goes on. */
export function hasOpenWork(): boolean {
  return stopping().work.some((isBusy) => isBusy());
}

interface Stopping {
  isBegun: boolean;
  readonly hooks: (() => void)[];
  readonly work: (() => boolean)[];
}

function stopping(): Stopping {
  return singleton('stopping', () => ({ isBegun: false, hooks: [], work: [] }));
}

/**
 * `records` is for what the work of the first phase leaves behind as it ends, and `last` for what
 * other hooks still use, such as the database.
 */
const PHASES = ['first', 'records', 'last'] as const;
type ShutdownPhase = (typeof PHASES)[number];

/** Registers a hook for the end of the process. Hooks of a phase start last in, first out. */
export function onShutdown(hook: ShutdownHook, phase: ShutdownPhase = 'first'): void {
  shutdownHooks()[phase].push(hook);
}

/**
 * Runs every registered hook once, a phase when the one before has ended. A hook that fails does
 * not stop the others.
 */
export async function shutDown(): Promise<PromiseSettledResult<void>[]> {
  const hooks = shutdownHooks();
  const results: PromiseSettledResult<void>[] = [];
  for (const phase of PHASES) results.push(...(await runAll(hooks[phase])));
  return results;
}

async function runAll(hooks: ShutdownHook[]): Promise<PromiseSettledResult<void>[]> {
  return await Promise.allSettled(
    hooks
      .splice(0)
      .reverse()
      .map(async (hook) => hook()),
  );
}

function shutdownHooks(): Record<ShutdownPhase, ShutdownHook[]> {
  return singleton('shutdown-hooks', () => ({ first: [], records: [], last: [] }));
}
