import { type AttachmentState, NO_ATTACHMENTS } from './attachment-state.ts';
import type { AttachmentStore } from './attachment-store.ts';
import { COMPOSER_STRINGS } from './strings/composer.ts';
import { pastedTextName } from './text-files.ts';

interface LateEffects {
  /** The store of this page, once its code is there. */
  load(): Promise<AttachmentStore>;
  /** Whether closed pages or a reload left attachments in the chat. */
  hasStored(chat: string): Promise<boolean>;
}

/**
 * The attachments of each chat, whose code comes with the first of them. What is attached before
 * counts as being read, so that no question leaves without it.
 */
export class LateAttachments {
  readonly #effects: LateEffects;
  readonly #chats = new Map<string, AttachmentState>();
  readonly #listeners = new Set<() => void>();
  readonly #opened = new Set<string>();
  #store: AttachmentStore | undefined;
  #loading: Promise<AttachmentStore> | undefined;

  constructor(effects: LateEffects) {
    this.#effects = effects;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  state(chat: string): AttachmentState {
    return this.#store?.state(chat) ?? this.#chats.get(chat) ?? NO_ATTACHMENTS;
  }

  /** Restores attachments from before a reload. Runs once per chat. */
  async open(chat: string): Promise<void> {
    if (this.#opened.has(chat)) return;
    this.#opened.add(chat);
    try {
      if (await this.#effects.hasStored(chat)) await (await this.#load()).open(chat);
    } catch {
      // The storage or the code is unavailable: the next visit of the chat restores them.
      this.#opened.delete(chat);
    }
  }

  attach(chat: string, files: readonly File[]): void {
    const [first] = files;
    if (first === undefined) return;
    const sentence = COMPOSER_STRINGS.unreadableFile(first.name);
    this.#hold(chat, files.length, sentence, (store) => void store.attach(chat, files));
  }

  /** Attaches a long text that was pasted. Returns false if there are too many files. */
  attachPasted(chat: string, text: string): boolean {
    const attach = (store: AttachmentStore) => store.attachText(chat, pastedTextName(store.state(chat).files), text);
    if (this.#store !== undefined) return attach(this.#store);
    this.#hold(chat, 1, COMPOSER_STRINGS.notPasted, (store) => void attach(store));
    return true;
  }

  remove(chat: string, id: string): void {
    this.#store?.remove(chat, id);
  }

  clear(chat: string): void {
    if (this.#store !== undefined) this.#store.clear(chat);
    else this.refuse(chat, undefined);
  }

  /** Moves attachments that were read to a chat that has none. */
  move(from: string, to: string): void {
    this.#store?.move(from, to);
  }

  refuse(chat: string, sentence: string | undefined): void {
    if (this.#store !== undefined) this.#store.refuse(chat, sentence);
    else this.#change(chat, { refusal: sentence });
  }

  /** Runs `action` with the store. Until then `count` attachments of the chat are being read. */
  #hold(chat: string, count: number, failure: string, action: (store: AttachmentStore) => void): void {
    if (this.#store !== undefined) {
      action(this.#store);
      return;
    }
    this.#change(chat, { reading: this.state(chat).reading + count, refusal: undefined });
    this.#load().then(
      (store) => {
        action(store);
        // Reported since, for what was just attached.
        const refusal = this.#chats.get(chat)?.refusal;
        if (refusal !== undefined) store.refuse(chat, refusal);
      },
      () => this.#change(chat, { reading: this.state(chat).reading - count, refusal: failure }),
    );
  }

  /** A failed fetch is tried again with the next attachment. */
  #load(): Promise<AttachmentStore> {
    this.#loading ??= this.#effects.load().then(
      (store) => {
        this.#store = store;
        for (const [chat, { refusal }] of this.#chats) if (refusal !== undefined) store.refuse(chat, refusal);
        store.subscribe(() => this.#notify());
        return store;
      },
      (reason: unknown) => {
        this.#loading = undefined;
        throw reason;
      },
    );
    return this.#loading;
  }

  #change(chat: string, change: Partial<AttachmentState>): void {
    this.#chats.set(chat, { ...this.state(chat), ...change });
    this.#notify();
  }

  #notify(): void {
    for (const listener of this.#listeners) listener();
  }
}
