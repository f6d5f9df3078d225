import { IncomingMessage } from '#lib/node-http';

/** Receives the body of a request from the parser. After `onEnd` or `onClose` nothing follows. */
export interface ParsedBodyReceiver {
  /** Returns false to pause the connection until `resumeBody`. */
  onData(chunk: Buffer): boolean;
  onEnd(): void;
  /** The client has closed within the body. */
  onClose(): void;
}

/**
 * A request of `node:http` whose body can bypass its stream: `node:http` calls `push` for each
 * chunk that it parses, in the turn in which the chunk arrives.
 */
export class ServerRequest extends IncomingMessage {
  #receiver: ParsedBodyReceiver | undefined;

  /** Delivers the body, from what the stream has buffered. It must not be read otherwise. */
  receiveBody(receiver: ParsedBodyReceiver): void {
    this.#receiver = receiver;
    if (this.destroyed && !this.complete) {
      this.#take()?.onClose();
      return;
    }
    if (this.readableLength > 0 && receiver.onData(this.read())) this.resumeBody();
    if (this.complete) this.#end();
  }

  /** Continues after `onData` returned false. */
  resumeBody(): void {
    this._read(0);
  }

  /** Delivers nothing more. The rest of the body stays unread until `resume`. */
  leaveBody(): void {
    this.#receiver = undefined;
  }

  /** Delivers nothing more, and discards the rest of the body. */
  discardBody(): void {
    this.#receiver = undefined;
    this.resume();
  }

  override push(chunk: Buffer | null): boolean {
    const receiver = this.#receiver;
    if (receiver === undefined) return super.push(chunk);
    if (chunk !== null) return receiver.onData(chunk);
    super.push(null);
    this.#end();
    return false;
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    const receiver = this.complete ? undefined : this.#take();
    super._destroy(error, (failure) => {
      callback(failure);
      receiver?.onClose();
    });
  }

  /** Lets the stream end too, as its connection expects. */
  #end(): void {
    this.resume();
    this.#take()?.onEnd();
  }

  #take(): ParsedBodyReceiver | undefined {
    const receiver = this.#receiver;
    this.#receiver = undefined;
    return receiver;
  }
}
