import { Readable } from 'node:stream';
import { HttpClientError } from '#lib/http-client/errors';

/** Receives a request body: any number of `onData`, then one of `onEnd` and `onError`. */
export interface BodyReceiver {
  /** Returns false to pause the source until `resume`. */
  onData(chunk: Buffer): boolean;
  onEnd(): void;
  onError(error: Error): void;
}

/** A request body that is pushed to its receiver as it arrives. It has no buffer. */
export interface BodySource {
  /** Starts to deliver, possibly within the call. Called at most once. */
  start(receiver: BodyReceiver): void;
  resume(): void;
  /** Delivers nothing more. The rest of the body is not needed. */
  stop(): void;
  /** The bytes of `chunk` are not read any more, so its memory may be reused. */
  release(chunk: Buffer): void;
}

export function toBodySource(body: Readable | BodySource): BodySource {
  return body instanceof Readable ? new StreamSource(body) : body;
}

export function bodyCutShort(): HttpClientError {
  return new HttpClientError('REQUEST_BODY_LENGTH', 'the body ended before its end');
}

/** A stream, which is destroyed when it is stopped. */
class StreamSource implements BodySource {
  readonly #stream: Readable;
  #receiver: BodyReceiver | undefined;

  constructor(stream: Readable) {
    this.#stream = stream;
  }

  start(receiver: BodyReceiver): void {
    const stream = this.#stream;
    this.#receiver = receiver;
    stream.on('data', this.#onData).on('end', this.#onEnd).on('error', this.#onError).on('close', this.#onClose);
    // A destroyed stream emits no further events.
    if (stream.destroyed) this.#onError(stream.errored ?? bodyCutShort());
  }

  resume(): void {
    this.#stream.resume();
  }

  stop(): void {
    if (this.#receiver === undefined) return;
    this.#detach();
    this.#stream.destroy();
  }

  /** The chunk may have other readers. */
  release(): void {}

  readonly #onData = (chunk: Buffer): void => {
    if (this.#receiver?.onData(chunk) === false) this.#stream.pause();
  };

  readonly #onEnd = (): void => this.#detach()?.onEnd();

  /** Stays registered, since an unhandled error event would throw. */
  readonly #onError = (error: Error): void => this.#detach()?.onError(error);

  readonly #onClose = (): void => this.#detach()?.onError(bodyCutShort());

  #detach(): BodyReceiver | undefined {
    const receiver = this.#receiver;
    this.#receiver = undefined;
    this.#stream.off('data', this.#onData).off('end', this.#onEnd).off('close', this.#onClose);
    return receiver;
  }
}
