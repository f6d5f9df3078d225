import { config } from '#lib/config/config';
import { singleton } from '#lib/singletons';

/**
 * Whether the gateway has a backend: one of the environment, or one that was added while the server
 * runs. Without any, paths that the app does not have are unknown.
 */
export class GatewayPresence {
  #hasAdded = false;
  readonly #listeners = new Set<() => void>();

  get isPresent(): boolean {
    return this.#hasAdded || config().PRIVATE_BACKEND_URL.length > 0;
  }

  /** Whether there are backends that are not those of the environment. */
  setAdded(hasAdded: boolean): void {
    const before = this.isPresent;
    this.#hasAdded = hasAdded;
    if (this.isPresent !== before) for (const listener of this.#listeners) listener();
  }

  /** Calls `listener` when `isPresent` changes. Returns a function that cancels this. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}

export function gatewayPresence(): GatewayPresence {
  return singleton('gateway.presence', () => new GatewayPresence());
}
