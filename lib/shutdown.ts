import { singleton } from '#lib/singletons';

type ShutdownHook = () => void | Promise<void>;

/** `last` is for what other hooks still use, such as the database. */
type ShutdownPhase = 'first' | 'last';

/** Registers a hook for the end of the process. Hooks of a phase start last in, first out. */
export function onShutdown(hook: ShutdownHook, phase: ShutdownPhase = 'first'): void {
  shutdownHooks()[phase].push(hook);
}

/**
 * Runs every registered hook once, those of phase `last` when the others have ended. A hook that
 * fails does not stop the others.
 */
export async function shutDown(): Promise<PromiseSettledResult<void>[]> {
  const { first, last } = shutdownHooks();
  const results = await runAll(first);
  return [...results, ...(await runAll(last))];
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
  return singleton('shutdown-hooks', () => ({ first: [], last: [] }));
}
