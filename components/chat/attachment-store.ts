import type { ChatImage } from './conversation.ts';
import { MAX_IMAGES } from './images.ts';

/** What is attached to the next question of a chat. */
export interface AttachmentState {
  images: readonly ChatImage[];
  /** How many files are still being read. */
  reading: number;
  /** What could not be attached and why, as a sentence; undefined where all could. */
  refusal: string | undefined;
}

export const NO_ATTACHMENTS: AttachmentState = { images: [], reading: 0, refusal: undefined };

/** Everything that touches the world. Where the browser keeps nothing, the last three reject: pictures then last as long as the page. */
export interface AttachmentEffects {
  /** Rejects with an `Error` whose message tells the reader what is wrong. */
  read(file: File): Promise<ChatImage>;
  keep(chat: string, image: ChatImage): Promise<void>;
  drop(imageIds: readonly string[]): Promise<void>;
  /**
   * The pictures that pages which are gone have left in the chat, as they are found, each time at most as many as there is
   * room for; they are this page's from then on.
   */
  adopt(chat: string, freeSlots: () => number): AsyncIterable<readonly ChatImage[]>;
}

/** The browser keeps nothing, or is full: what is shown is right, and lasts as long as the page. */
const ignoreStorageFailure = () => {};

/** The pictures that go with the next question of each chat, of this page; those of other tabs are theirs. */
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

  /** The same object for the same state. */
  state(chat: string): AttachmentState {
    return this.#chats.get(chat) ?? NO_ATTACHMENTS;
  }

  /** Brings back what was attached before a reload. Once for each chat: later, nothing more is to be found. */
  async open(chat: string): Promise<void> {
    if (this.#opened.has(chat)) return;
    this.#opened.add(chat);
    try {
      for await (const adopted of this.#effects.adopt(chat, () => this.#freeSlots(chat)))
        if (adopted.length > 0) this.#change(chat, ({ images }) => ({ images: [...adopted, ...images] }));
    } catch {
      // The browser keeps nothing.
    }
  }

  /** Reads files, one after the other: they stay in their order, and only one is held in full size. */
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

  /** They were sent, or are not wanted any more. */
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
