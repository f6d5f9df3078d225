import { AppError } from '#lib/errors';
import type { BodyBudget } from '#lib/http/body-budget';

/** The memory of one request. Released when its reader and its batches have ended. */
export class HeldMemory {
  readonly #budget: BodyBudget;
  readonly #caller: string;
  #bytes = 0;
  #users = 1;

  constructor(budget: BodyBudget, caller: string) {
    this.#budget = budget;
    this.#caller = caller;
  }

  /** Throws `queue_full` if there is no memory for as much. */
  add(bytes: number): void {
    if (!this.#budget.reserve(this.#caller, bytes))
      throw new AppError(
        'queue_full',
        'The server is working on too many embeddings. Try again in a few seconds, or send fewer inputs at a time.',
        { data: { reason: 'bytes' } },
      );
    this.#bytes += bytes;
  }

  /** One more user, until it calls the result. */
  share(): () => void {
    this.#users += 1;
    return () => this.release();
  }

  release(): void {
    this.#users -= 1;
    if (this.#users > 0) return;
    this.#budget.release(this.#caller, this.#bytes);
    this.#bytes = 0;
  }
}
