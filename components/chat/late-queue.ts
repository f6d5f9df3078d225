interface Queue<Message> {
  add(message: Message): void;
}

/** A queue whose code may still be on its way. */
interface QueueSource<Message> {
  loaded(): Queue<Message> | undefined;
  load(): Promise<Queue<Message>>;
}

/** Queues messages as soon as the code of the queue is there. */
export class LateQueue<Message extends { chat: string }> {
  readonly #source: QueueSource<Message>;
  readonly #pending = new Set<string>();

  constructor(source: QueueSource<Message>) {
    this.#source = source;
  }

  /** Whether the message in the chat's field is about to be queued. */
  isPending(chat: string): boolean {
    return this.#pending.has(chat);
  }

  /** Returns true if the message waits now. Otherwise `onQueued` is called when it does. */
  add(message: Message, isInField: boolean, onQueued: () => void, onFailure: () => void): boolean {
    const loaded = this.#source.loaded();
    if (loaded !== undefined) {
      loaded.add(message);
      return true;
    }
    const { chat } = message;
    if (isInField) this.#pending.add(chat);
    const end = () => isInField && this.#pending.delete(chat);
    this.#source.load().then(
      (late) => {
        end();
        late.add(message);
        onQueued();
      },
      () => {
        end();
        onFailure();
      },
    );
    return false;
  }
}
