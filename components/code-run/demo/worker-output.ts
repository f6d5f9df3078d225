import { DEMO_OUTPUT_BYTES, type DemoMessage } from './protocol.ts';

type Stream = 'stdout' | 'stderr';

/** Sends a program's two streams to the page, each cut at its limit on a character boundary. */
export class WorkerOutput {
  readonly #send: (message: DemoMessage) => void;
  readonly #remaining: Record<Stream, number> = { stdout: DEMO_OUTPUT_BYTES, stderr: DEMO_OUTPUT_BYTES };
  readonly #decoders: Record<Stream, TextDecoder> = { stdout: new TextDecoder(), stderr: new TextDecoder() };
  #closed = false;

  constructor(send: (message: DemoMessage) => void) {
    this.#send = send;
  }

  /** Drops output after the limit. The page then terminates the worker. */
  write(stream: Stream, bytes: Uint8Array): void {
    if (this.#closed) return;
    const kept = bytes.subarray(0, this.#remaining[stream]);
    this.#remaining[stream] -= kept.length;
    const text = this.#decoders[stream].decode(kept, { stream: true });
    if (text !== '') this.#send({ type: 'output', stream, text });
    if (kept.length < bytes.length) this.end({ type: 'end', status: 'output_limit', exitCode: -1 });
  }

  /** Only the first end counts. */
  end(message: DemoMessage): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#send(message);
  }
}
