import type { QueuedMessage } from './queued-message.ts';

export interface OutboxStorage {
  all(): Promise<QueuedMessage[]>;
  put(message: QueuedMessage): Promise<void>;
  /** Writes a message unless another page has taken or removed it. */
  update(message: QueuedMessage): Promise<void>;
  /** Gives the messages of one page to another, `held` if that is set, and returns them. */
  reassign(from: string, to: string, held?: true): Promise<QueuedMessage[]>;
  /** The page that owns a message. */
  owner(id: string): Promise<string | undefined>;
  remove(id: string): Promise<void>;
}

/**
 * Writes of the outbox, one after the other: a removal follows the write of the same message. A
 * failed write is left out: the message then lasts as long as the page.
 */
export class OutboxWrites {
  readonly #storage: OutboxStorage;
  readonly #holdPage: () => Promise<void>;
  /** Messages that are in storage: another page can take them. */
  readonly #stored = new Set<string>();
  #last: Promise<void> = Promise.resolve();

  /** `holdPage` shows other pages that this one lives. */
  constructor(storage: OutboxStorage, holdPage: () => Promise<void>) {
    this.#storage = storage;
    this.#holdPage = holdPage;
  }

  /** Marks a message as stored that was read from the storage. */
  markStored(id: string): void {
    this.#stored.add(id);
  }

  put(message: QueuedMessage): void {
    this.#write(async () => {
      await this.#storage.put(message);
      this.#stored.add(message.id);
    });
  }

  update(message: QueuedMessage): void {
    this.#write(() => this.#storage.update(message));
  }

  remove(id: string): void {
    this.#write(() => {
      this.#stored.delete(id);
      return this.#storage.remove(id);
    });
  }

  /** Whether `page` owns the message. Without storage no other page can. */
  async isOwn(id: string, page: string): Promise<boolean> {
    await this.#last;
    return !this.#stored.has(id) || (await this.#storage.owner(id).catch(() => page)) === page;
  }

  #write(action: () => Promise<void>): void {
    // A message whose write fails lasts as long as the page.
    this.#last = this.#last
      .then(this.#holdPage)
      .then(action)
      .catch(() => undefined);
  }
}
