import { describe, expect, it } from 'vitest';
import { JoinedBody } from '#lib/chat/http/joined-body';
import { type PieceWriter, StreamBody } from '#lib/http/stream-body';

/** A body that the test plays. */
class PlayedBody extends StreamBody {
  writer: PieceWriter | undefined;
  resumed = 0;
  cancelled = 0;

  start(writer: PieceWriter): void {
    this.writer = writer;
  }

  resume(): void {
    this.resumed += 1;
  }

  cancel(): void {
    this.cancelled += 1;
  }
}

/** A client that takes `most` pieces before it is behind. */
class PlayedClient implements PieceWriter {
  readonly pieces: string[] = [];
  most = Number.POSITIVE_INFINITY;
  ended = 0;
  error: Error | undefined;

  write(text: string): boolean {
    this.pieces.push(text);
    return this.pieces.length < this.most;
  }

  end(): void {
    this.ended += 1;
  }

  fail(error: Error): void {
    this.error = error;
  }
}

const tail = () => '[end]';
const failure = (error: unknown) => `[${String(error)}]`;

describe('JoinedBody', () => {
  it('passes pieces on as they come, and ends after the last body with the tail', () => {
    const [a, b] = [new PlayedBody(), new PlayedBody()];
    const client = new PlayedClient();
    new JoinedBody([a, b], tail, failure).start(client);
    b.writer?.write('b1', false);
    a.writer?.write('a1', true);
    a.writer?.end();
    expect(client.ended).toBe(0);
    b.writer?.write('b2', true);
    b.writer?.end();
    expect([client.pieces, client.ended]).toEqual([['b1', 'a1', 'b2', '[end]'], 1]);
  });

  it('holds what arrives while the client is behind, and resumes every body', () => {
    const [a, b] = [new PlayedBody(), new PlayedBody()];
    const client = new PlayedClient();
    client.most = 1;
    const joined = new JoinedBody([a, b], tail, failure);
    joined.start(client);
    expect(a.writer?.write('a1', false)).toBe(false);
    expect(b.writer?.write('b1', true)).toBe(false);
    b.writer?.end();
    expect(client.pieces).toEqual(['a1']);
    client.most = 10;
    joined.resume();
    expect([client.pieces, a.resumed, b.resumed]).toEqual([['a1', 'b1'], 1, 0]);
  });

  it('ends only when a client that is behind has read the tail', () => {
    const [a, b] = [new PlayedBody(), new PlayedBody()];
    const client = new PlayedClient();
    client.most = 1;
    const joined = new JoinedBody([a, b], tail, failure);
    joined.start(client);
    a.writer?.write('a1', true);
    a.writer?.end();
    b.writer?.end();
    expect([client.pieces, client.ended]).toEqual([['a1'], 0]);
    joined.resume();
    expect([client.pieces, client.ended]).toEqual([['a1', '[end]'], 1]);
  });

  it('adds a body that begins later, and ends with the failure of one that does not', async () => {
    const [a, b] = [new PlayedBody(), new PlayedBody()];
    const client = new PlayedClient();
    const late = Promise.withResolvers<StreamBody>();
    const broken = Promise.withResolvers<StreamBody>();
    new JoinedBody([a, late.promise, broken.promise], tail, failure).start(client);
    late.resolve(b);
    await late.promise;
    b.writer?.write('b1', false);
    broken.reject('refused');
    await broken.promise.catch(() => {});
    await Promise.resolve();
    expect([client.pieces, client.ended]).toEqual([['b1', '[refused]'], 1]);
    expect([a.cancelled, b.cancelled]).toEqual([1, 1]);
  });

  it('cancels every body when the client leaves, and one that begins after that', async () => {
    const [a, b] = [new PlayedBody(), new PlayedBody()];
    const late = Promise.withResolvers<StreamBody>();
    const joined = new JoinedBody([a, late.promise], tail, failure);
    joined.start(new PlayedClient());
    joined.cancel();
    late.resolve(b);
    await late.promise;
    expect(a.cancelled).toBe(1);
    expect(b.cancelled).toBeGreaterThan(0);
    expect(b.writer).toBeUndefined();
  });

  it('breaks off when one body does', () => {
    const [a, b] = [new PlayedBody(), new PlayedBody()];
    const client = new PlayedClient();
    new JoinedBody([a, b], tail, failure).start(client);
    a.writer?.fail(new Error('too slow'));
    expect(client.error?.message).toBe('too slow');
    expect(b.cancelled).toBe(1);
    b.writer?.write('b1', false);
    expect(client.pieces).toEqual([]);
  });
});
