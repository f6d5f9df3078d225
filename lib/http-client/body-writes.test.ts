import { Writable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { BodyReceiver, BodySource } from '#lib/http-client/body-source';
import { BodyWriter } from '#lib/http-client/body-writer';

const HEAD = 'POST / HTTP/1.1\r\n\r\n';
const LARGE = 64 * 1024;

/** A socket that records each system call that it would make. `hold`: it accepts no bytes yet. */
class RecordingSocket extends Writable {
  readonly writes: Buffer[][] = [];
  readonly #held: (() => void)[] = [];
  hold = false;

  constructor() {
    super({ highWaterMark: LARGE, decodeStrings: true });
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#record([chunk], done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: () => void): void {
    this.#record(
      chunks.map(({ chunk }) => chunk),
      done,
    );
  }

  get texts(): string[] {
    return this.writes.map((chunks) => Buffer.concat(chunks).toString('latin1'));
  }

  accept(): void {
    this.hold = false;
    for (const done of this.#held.splice(0)) done();
  }

  #record(chunks: Buffer[], done: () => void): void {
    this.writes.push(chunks);
    if (this.hold) this.#held.push(done);
    else done();
  }
}

class FakeSource implements BodySource {
  receiver: BodyReceiver | undefined;
  readonly calls: string[] = [];
  readonly released: Buffer[] = [];

  start(receiver: BodyReceiver): void {
    this.receiver = receiver;
  }

  resume(): void {
    this.calls.push('resume');
  }

  stop(): void {
    this.calls.push('stop');
  }

  release(chunk: Buffer): void {
    this.released.push(chunk);
  }

  send(...chunks: (string | Buffer)[]): boolean | undefined {
    let isWritable: boolean | undefined;
    for (const chunk of chunks) isWritable = this.receiver?.onData(Buffer.from(chunk));
    return isWritable;
  }

  end(): void {
    this.receiver?.onEnd();
  }
}

/** `bodyLength`: undefined for a chunked body. */
function begin(bodyLength: number | undefined, trailers?: () => readonly string[]) {
  const socket = new RecordingSocket();
  const source = new FakeSource();
  const outcome: (string | Error)[] = [];
  const writer = new BodyWriter(
    socket,
    { head: { text: HEAD, bodyLength }, source, trailers },
    {
      onBodyProgress: () => {},
      onBodySent: () => void outcome.push('sent'),
      onBodyFailed: (error) => void outcome.push(error),
    },
  );
  socket.on('drain', () => writer.onDrain());
  writer.begin();
  return { socket, source, writer, outcome };
}

describe('the writes of a request', () => {
  it('are one for a head and a body with a length that arrives in its turn', () => {
    const { socket, source, outcome } = begin(10);
    source.send('hello', 'world');
    expect(socket.texts).toEqual([`${HEAD}helloworld`]);
    source.end();
    expect(outcome).toEqual(['sent']);
    expect(socket.writes).toHaveLength(1);
  });

  it('are one for a head and a chunked body with trailers that arrives in its turn', () => {
    const { socket, source } = begin(undefined, () => ['X-Sum', '1']);
    source.send('hello', 'abc');
    expect(socket.texts).toEqual([]);
    source.end();
    expect(socket.texts).toEqual([`${HEAD}5\r\nhello\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n`]);
  });

  it('are one for a head and a large first chunk, which is not copied', () => {
    for (const length of [LARGE, undefined]) {
      const { socket, source } = begin(length);
      const chunk = Buffer.alloc(LARGE, 'x');
      source.receiver?.onData(chunk);
      expect(socket.writes).toHaveLength(1);
      expect(socket.writes[0]?.some((written) => written === chunk)).toBe(true);
      const framed = length === undefined ? `10000\r\n${chunk}\r\n` : `${chunk}`;
      expect(socket.texts[0]).toBe(HEAD + framed);
    }
  });

  it('begin with the head at the end of its turn if no body has arrived, and then follow the body', async () => {
    const { socket, source } = begin(10);
    await turn();
    expect(socket.texts).toEqual([HEAD]);
    source.send('hello');
    source.send('world');
    expect(socket.texts).toEqual([HEAD, 'hello', 'world']);
  });

  it('keep the order of a part of the body that arrives with the head and one that arrives later', async () => {
    const { socket, source } = begin(undefined);
    source.send('abc');
    await turn();
    source.send('de');
    source.end();
    expect(socket.texts).toEqual([`${HEAD}3\r\nabc\r\n`, '2\r\nde\r\n', '0\r\n\r\n']);
  });

  it('do not include a body that fails in the turn of its head', async () => {
    const { socket, source, outcome } = begin(3);
    source.send('abcd');
    source.send('e');
    source.end();
    await turn();
    expect(socket.writes).toEqual([]);
    expect(source.calls).toEqual(['stop']);
    expect(outcome).toMatchObject([{ code: 'REQUEST_BODY_LENGTH' }]);
  });

  it('stop with the writer', async () => {
    const { socket, source, writer, outcome } = begin(undefined);
    source.send('abc');
    writer.stop();
    source.send('de');
    source.end();
    await turn();
    expect({ writes: socket.writes, calls: source.calls, outcome }).toEqual({
      writes: [],
      calls: ['stop'],
      outcome: [],
    });
  });
});

describe('backpressure of a request body', () => {
  it('pauses the source while the socket holds much, and resumes it once that is written', async () => {
    const { socket, source } = begin(10 * LARGE);
    expect(source.send(Buffer.alloc(LARGE))).toBe(true);
    socket.hold = true;
    expect(source.send(Buffer.alloc(LARGE / 2))).toBe(true);
    expect(source.send(Buffer.alloc(LARGE / 2))).toBe(false);
    await turn();
    expect(source.calls).toEqual([]);
    socket.accept();
    await turn();
    expect(source.calls).toEqual(['resume']);
    expect(source.send(Buffer.alloc(LARGE))).toBe(true);
  });

  it('releases each chunk once it is written, and none whose write failed', async () => {
    const { socket, source } = begin(10 * LARGE);
    socket.on('error', () => {});
    const [first, second, third] = [Buffer.alloc(LARGE), Buffer.alloc(LARGE), Buffer.alloc(LARGE)];
    source.receiver?.onData(first);
    await turn();
    expect(source.released).toEqual([first]);
    expect(source.released[0]).toBe(first);
    socket.hold = true;
    source.receiver?.onData(second);
    source.receiver?.onData(third);
    await turn();
    expect(source.released).toHaveLength(1);
    socket.destroy(new Error('reset'));
    await turn();
    expect(source.released).toHaveLength(1);
  });
});
