import type { ChatImage } from './conversation.ts';
import { MAX_IMAGES } from './images.ts';

/** Images attached to the next question of a chat. */
export interface AttachmentState {
  images: readonly ChatImage[];
  /** The number of files still being read. */
  reading: number;
  /** A sentence for the reader: which files could not be attached, and why. */
  refusal: string | undefined;
}

export const NO_ATTACHMENTS: AttachmentState = { images: [], reading: 0, refusal: undefined };

/**
 * Side effects of the store. Without browser storage the last three reject: images then last as
 * long as the page.
 */
export interface AttachmentEffects {
  /** Rejects with an `Error` whose message is shown to the reader. */
  read(file: File): Promise<ChatImage>;
  keep(chat: string, image: ChatImage): Promise<void>;
  drop(imageIds: readonly string[]): Promise<void>;
  /**
   * Yields images that closed pages left in the chat, at most `freeSlots()` at a time. They belong
   * to this page from then on.
   */
  adopt(chat: string, freeSlots: () => number): AsyncIterable<readonly ChatImage[]>;
}

/** Storage is missing or full. The images on the page are right and last as long as the page. */
const ignoreStorageFailure = () => {};

/** The attached images of each chat in this page. Other tabs have their own. */
export class AttachmentStore {
  readonly #effects: AttachmentEffects;
  readonly #chats = new Map<string, AttachmentState>();
  readonly #opened = new Set<string>();
  readonly #listeners = new Set<() => void>();

  constructor(effects: AttachmentEffects) {
    this.#effects = effects;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Referentially stable: returns the same object until the state changes. */
  state(chat: string): AttachmentState {
    return this.#chats.get(chat) ?? NO_ATTACHMENTS;
  }

  /** Restores attachments from before a reload. Runs once per chat. */
  async open(chat: string): Promise<void> {
    if (this.#opened.has(chat)) return;
    this.#opened.add(chat);
    try {
      for await (const adopted of this.#effects.adopt(chat, () => this.#freeSlots(chat)))
        if (adopted.length > 0) this.#change(chat, ({ images }) => ({ images: [...adopted, ...images] }));
    } catch {
      // Browser storage is unavailable.
    }
  }

  /** Reads files sequentially: the order is kept, and only one is held at full size. */
  async attach(chat: string, files: readonly File[]): Promise<void> {
    const freeSlots = this.#freeSlots(chat);
    const accepted = files.slice(0, freeSlots);
    this.#change(chat, ({ reading }) => ({
      reading: reading + accepted.length,
      refusal: files.length > freeSlots ? `A question takes at most ${MAX_IMAGES} pictures.` : undefined,
    }));
    for (const file of accepted) {
      try {
        const image = await this.#effects.read(file);
        this.#change(chat, ({ images }) => ({ images: [...images, image] }));
        this.#effects.keep(chat, image).catch(ignoreStorageFailure);
      } catch (error) {
        this.refuse(chat, error instanceof Error ? error.message : `${file.name} cannot be read.`);
      }
      this.#change(chat, ({ reading }) => ({ reading: reading - 1 }));
    }
  }

  remove(chat: string, imageId: string): void {
    this.#change(chat, ({ images }) => ({ images: images.filter(({ id }) => id !== imageId) }));
    this.#effects.drop([imageId]).catch(ignoreStorageFailure);
  }

  clear(chat: string): void {
    const ids = this.state(chat).images.map(({ id }) => id);
    this.#change(chat, () => ({ images: [], refusal: undefined }));
    if (ids.length > 0) this.#effects.drop(ids).catch(ignoreStorageFailure);
  }

  refuse(chat: string, sentence: string | undefined): void {
    this.#change(chat, () => ({ refusal: sentence }));
  }

  #freeSlots(chat: string): number {
    const { images, reading } = this.state(chat);
    return Math.max(0, MAX_IMAGES - images.length - reading);
  }

  #change(chat: string, edit: (before: AttachmentState) => Partial<AttachmentState>): void {
    const before = this.state(chat);
    this.#chats.set(chat, { ...before, ...edit(before) });
    for (const listener of this.#listeners) listener();
  }
}
