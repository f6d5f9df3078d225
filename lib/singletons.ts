/**
 * What lives as long as the process, in one registry on `globalThis`.
 *
 * `server.ts`, Next's route bundles and its pages each get their own copy of a module, so a module-level variable is
 * not one per process; a symbol in the global symbol registry is. Every room keeps its state through `singleton`,
 * and exports a typed accessor of its own.
 */
const REGISTRY = Symbol.for('chill-space.process');

type Holder = typeof globalThis & { [REGISTRY]?: Map<string, unknown> };

function registry(): Map<string, unknown> {
  const holder: Holder = globalThis;
  holder[REGISTRY] ??= new Map();
  return holder[REGISTRY];
}

/**
 * Returns the process's one value under `name`, made by `create` at the first call.
 * The name fixes the type: each name is used by one accessor only.
 */
export function singleton<T>(name: string, create: () => T): T {
  const values = registry();
  const known = values.get(name);
  if (known !== undefined || values.has(name)) return known as T;
  const made = create();
  values.set(name, made);
  return made;
}

/** Forgets the value under `name`, so that the next call of its accessor makes a fresh one. For tests. */
export function resetSingleton(name: string): void {
  registry().delete(name);
}

type ShutdownHook = () => void | Promise<void>;

/** Registers what must end with the process. Called in the order last in, first out. */
export function onShutdown(close: ShutdownHook): void {
  shutdownHooks().push(close);
}

/** Ends everything that was registered, once; a part that fails does not keep the others from ending. */
export async function shutDown(): Promise<PromiseSettledResult<void>[]> {
  const pending = shutdownHooks().splice(0).reverse();
  return await Promise.allSettled(pending.map(async (close) => close()));
}

function shutdownHooks(): ShutdownHook[] {
  return singleton<ShutdownHook[]>('closers', () => []);
}
