/**
 * Process-wide state, in one registry on `globalThis`.
 *
 * `server.ts`, Next's route bundles and its pages each load their own copy of a module, so a
 * module-level variable exists several times per process. A symbol of the global symbol registry
 * exists once. Every module keeps its state through `singleton`, and exports a typed accessor.
 */
const REGISTRY = Symbol.for('chill-space.process');

type Holder = typeof globalThis & { [REGISTRY]?: Map<string, unknown> };

function registry(): Map<string, unknown> {
  const holder: Holder = globalThis;
  holder[REGISTRY] ??= new Map();
  return holder[REGISTRY];
}

/**
 * Returns the one value under `name`; the first call makes it by `create`. A name belongs to one
 * accessor, which fixes the type of the value.
 */
export function singleton<T>(name: string, create: () => T): T {
  const values = registry();
  const existing = values.get(name);
  if (existing !== undefined || values.has(name)) return existing as T;
  const created = create();
  values.set(name, created);
  return created;
}

/**
 * Removes the value under `name`, so that the next call of its accessor creates another. For
 * tests.
 */
export function resetSingleton(name: string): void {
  registry().delete(name);
}
