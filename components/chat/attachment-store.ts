import { type AttachmentState, NO_ATTACHMENTS } from './attachment-state.ts';
import type { ChatImage } from './conversation.ts';
import type { Attachment, FreeSlots } from './history-db.ts';
import { isImageFile, MAX_IMAGES } from './images.ts';
import { COMPOSER_STRINGS } from './strings/composer.ts';
import { type AttachedFile, attachedText, MAX_FILES } from './text-files.ts';

/**
 * Side effects of the store. Without browser storage the last three reject: attachments then last
 * as long as the page.
 */
export interface AttachmentEffects {
  /** Rejects with an `Error` whose message is shown to the reader. */
  read(file: File): Promise<Attachment>;
  keep(chat: string, attachment: Attachment): Promise<void>;
  drop(ids: readonly string[]): Promise<void>;
  /**
   * Yields attachments that closed pages left in the chat, at most `freeSlots()` at a time. They
   * belong to this page from then on.
   */
  adopt(chat: string, freeSlots: () => FreeSlots): AsyncIterable<readonly Attachment[]>;
}

/** Storage is missing or full. What the page shows is right and lasts as long as the page. */
const ignoreStorageFailure = () => {};

/** The attachments of each chat in this page. Other tabs have their own. */
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
        if (adopted.length > 0)
          this.#change(chat, ({ images, files }) => ({
            images: [...adopted.filter(isImage), ...images],
            files: [...adopted.filter(isTextFile), ...files],
          }));
    } catch {
      // Browser storage is unavailable.
    }
  }

  /** Reads files sequentially: the order is kept, and only one is held at full size. */
  async attach(chat: string, chosen: readonly File[]): Promise<void> {
    const free = this.#freeSlots(chat);
    const images = chosen.filter(isImageFile).slice(0, free.images);
    const texts = chosen.filter((file) => !isImageFile(file)).slice(0, free.files);
    const accepted = chosen.filter((file) => images.includes(file) || texts.includes(file));
    const hasTooManyImages = chosen.filter(isImageFile).length > images.length;
    const refusals: string[] = [];
    if (accepted.length < chosen.length)
      refusals.push(
        hasTooManyImages ? COMPOSER_STRINGS.tooManyImages(MAX_IMAGES) : COMPOSER_STRINGS.tooManyFiles(MAX_FILES),
      );
    this.#change(chat, ({ reading }) => ({ reading: reading + accepted.length, refusal: refusals[0] }));
    for (const file of accepted) {
      try {
        this.#add(chat, await this.#effects.read(file));
      } catch (error) {
        refusals.push(error instanceof Error ? error.message : COMPOSER_STRINGS.unreadableFile(file.name));
        this.refuse(chat, together(refusals));
      }
      this.#change(chat, ({ reading }) => ({ reading: reading - 1 }));
    }
  }

  /** Attaches a text. Returns false if the question has as many files as it may. */
  attachText(chat: string, name: string, text: string): boolean {
    if (this.#freeSlots(chat).files === 0) {
      this.refuse(chat, COMPOSER_STRINGS.tooManyFiles(MAX_FILES));
      return false;
    }
    this.refuse(chat, undefined);
    this.#add(chat, attachedText(name, text));
    return true;
  }

  remove(chat: string, removedId: string): void {
    this.#change(chat, ({ images, files }) => ({
      images: images.filter(({ id }) => id !== removedId),
      files: files.filter(({ id }) => id !== removedId),
      refusal: undefined,
    }));
    this.#effects.drop([removedId]).catch(ignoreStorageFailure);
  }

  clear(chat: string): void {
    const { images, files } = this.state(chat);
    const ids = [...images, ...files].map(({ id }) => id);
    this.#change(chat, () => ({ images: [], files: [], refusal: undefined }));
    if (ids.length > 0) this.#effects.drop(ids).catch(ignoreStorageFailure);
  }

  /** Moves attachments that were read to a chat that has none. */
  move(from: string, to: string): void {
    const { images, files } = this.state(from);
    const moved = [...images, ...files];
    const present = this.state(to);
    if (moved.length === 0 || present.images.length + present.files.length + present.reading > 0) return;
    this.#change(from, () => ({ images: [], files: [], refusal: undefined }));
    this.#change(to, () => ({ images, files }));
    const store = async () => {
      await this.#effects.drop(moved.map(({ id }) => id));
      for (const attachment of moved) await this.#effects.keep(to, attachment);
    };
    store().catch(ignoreStorageFailure);
  }

  refuse(chat: string, sentence: string | undefined): void {
    this.#change(chat, () => ({ refusal: sentence }));
  }

  #add(chat: string, attachment: Attachment): void {
    this.#change(chat, ({ images, files }) =>
      isTextFile(attachment) ? { files: [...files, attachment] } : { images: [...images, attachment] },
    );
    this.#effects.keep(chat, attachment).catch(ignoreStorageFailure);
  }

  /** A file that is being read counts for both kinds. */
  #freeSlots(chat: string): FreeSlots {
    const { images, files, reading } = this.state(chat);
    return {
      images: Math.max(0, MAX_IMAGES - images.length - reading),
      files: Math.max(0, MAX_FILES - files.length - reading),
    };
  }

  #change(chat: string, edit: (before: AttachmentState) => Partial<AttachmentState>): void {
    const before = this.state(chat);
    this.#chats.set(chat, { ...before, ...edit(before) });
    for (const listener of this.#listeners) listener();
  }
}

const MAX_SENTENCES = 3;

/** One sentence must not hide another: each is about other files. */
function together(refusals: readonly string[]): string {
  const more = refusals.length - MAX_SENTENCES;
  const said = refusals.slice(0, MAX_SENTENCES).join(' ');
  return more > 0 ? `${said} ${COMPOSER_STRINGS.moreNotAttached(more)}` : said;
}

const isTextFile = (attachment: Attachment): attachment is AttachedFile => attachment.type === 'text';
const isImage = (attachment: Attachment): attachment is ChatImage => attachment.type !== 'text';
