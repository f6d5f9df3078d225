import { singleton } from '#lib/singletons';

type ShutdownHook = () => void | Promise<void>;

/** Registers a hook for the end of the process. Hooks start last in, first out. */
export function onShutdown(hook: ShutdownHook): void {
  shutdownHooks().push(hook);
}

/** Runs every registered hook once. A hook that fails does not stop the others. */
export async function shutDown(): Promise<PromiseSettledResult<void>[]> {
  const hooks = shutdownHooks().splice(0).reverse();
  return await Promise.allSettled(hooks.map(async (hook) => hook()));
}

function shutdownHooks(): ShutdownHook[] {
  return singleton<ShutdownHook[]>('shutdown-hooks', () => []);
}
