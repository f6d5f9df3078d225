import type { Principal } from '#lib/http/principal';
import type { UsageEvent, UsageListener } from '#lib/people/usage/usage-event';
import { singleton } from '#lib/singletons';

/** Passes what was used to its listeners. Without one it does nothing. */
export class UsageRecorder {
  #listeners: readonly UsageListener[] = [];

  /** Returns the function that removes the listener. */
  subscribe(listener: UsageListener): () => void {
    this.#listeners = [...this.#listeners, listener];
    return () => {
      this.#listeners = this.#listeners.filter((one) => one !== listener);
    };
  }

  /** To be called once for each request that has finished, except for those of `recordHit`. */
  record(event: UsageEvent): void {
    for (const listener of this.#listeners) listener.finished(event);
  }

  /** To be called once for each chat response from the cache, of this many tokens. */
  recordHit(principal: Principal | undefined, model: string, tokens: number): void {
    for (const listener of this.#listeners) listener.hit(principal, model, tokens);
  }
}

/** The recorder of this process. Servers without a database leave it without a listener. */
export function usageRecorder(): UsageRecorder {
  return singleton('usage-recorder', () => new UsageRecorder());
}
