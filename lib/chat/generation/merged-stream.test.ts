import { describe, expect, it } from 'vitest';
import { mergedStream } from '#lib/chat/generation/merged-stream';
import { type PieceWriter, StreamBody } from '#lib/http/stream-body';
import { settled } from '../../../test/support/chat.ts';

/** A part whose pieces the test writes. */
class ScriptedBody extends StreamBody {
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

  write(text: string): boolean | undefined {
    return this.writer?.write(text, false);
  }

  end(): void {
    this.writer?.end();
  }
}

/** A client that reads as the test says. */
class Client implements PieceWriter {
  readonly pieces: [text: string, isLast: boolean][] = [];
  isFast = true;
  outcome: 'ended' | Error | undefined;

  write(text: string, isLast: boolean): boolean {
    this.pieces.push([text, isLast]);
    return this.isFast;
  }

  end(): void {
    this.outcome = 'ended';
  }

  fail(error: Error): void {
    this.outcome = error;
  }
}

async function started(failed: ReadonlySet<number> = new Set()) {
  const [one, two] = [new ScriptedBody(), new ScriptedBody()];
  const failures: string[] = [];
  const merged = await mergedStream([Promise.resolve(one), Promise.resolve(two)], {
    end: () => 'END',
    hasFailed: (index) => failed.has(index),
    encodeError: String,
    onFailed: () => failures.push('failed'),
  });
  const client = new Client();
  merged.start(client);
  await settled();
  return { one, two, merged, client, failures };
}

describe('a merged stream', () => {
  it('writes pieces as they come, and its end after the last part', async () => {
    const { one, two, client } = await started();
    one.write('a');
    two.write('b');
    one.end();
    two.write('c');
    expect(client.outcome).toBeUndefined();
    two.end();
    expect(client.pieces).toEqual([
      ['a', false],
      ['b', false],
      ['c', false],
      ['END', true],
    ]);
    expect(client.outcome).toBe('ended');
  });

  it('holds pieces for a slow client, and loses none', async () => {
    const { one, two, merged, client } = await started();
    client.isFast = false;
    expect(one.write('a')).toBe(false);
    expect(two.write('b')).toBe(false);
    one.end();
    two.end();
    expect(client.pieces).toEqual([['a', false]]);
    expect(client.outcome).toBeUndefined();
    merged.resume();
    expect(client.pieces.slice(1)).toEqual([['bEND', true]]);
    expect(client.outcome).toBe('ended');
  });

  it('lets its parts go on when the client has read', async () => {
    const { one, two, merged, client } = await started();
    client.isFast = false;
    one.write('a');
    two.write('b');
    merged.resume();
    expect([one.resumed, two.resumed]).toEqual([0, 0]);
    client.isFast = true;
    merged.resume();
    expect([one.resumed, two.resumed]).toEqual([1, 1]);
  });

  it('ends with a part that failed, without the usual end', async () => {
    const { one, two, client, failures } = await started(new Set([0]));
    one.write('error');
    one.end();
    expect(client.pieces).toEqual([['error', false]]);
    expect([client.outcome, two.cancelled, failures]).toEqual(['ended', 1, ['failed']]);
    two.write('late');
    expect(client.pieces).toHaveLength(1);
  });

  it('cancels its parts when the client leaves, also one that has not begun', async () => {
    const [one, late] = [new ScriptedBody(), new ScriptedBody()];
    const { promise, resolve } = Promise.withResolvers<StreamBody>();
    const options = { end: () => '', hasFailed: () => false, encodeError: String, onFailed: () => {} };
    const merged = await mergedStream([Promise.resolve(one), promise], options);
    const client = new Client();
    merged.start(client);
    await settled();
    merged.cancel();
    resolve(late);
    await settled();
    expect(one.cancelled).toBe(1);
    expect(late.cancelled).toBeGreaterThan(0);
    one.write('a');
    expect([client.pieces, client.outcome, late.writer]).toEqual([[], undefined, undefined]);
  });

  it('breaks off if a part does', async () => {
    const { one, two, client } = await started();
    const error = new Error('too slow');
    one.writer?.fail(error);
    await settled();
    expect([client.outcome, two.cancelled]).toEqual([error, 1]);
  });

  it('rejects if the first part to begin fails, and cancels the others', async () => {
    const other = new ScriptedBody();
    const error = new Error('busy');
    const failures: string[] = [];
    const { promise, resolve } = Promise.withResolvers<StreamBody>();
    const merged = mergedStream([Promise.reject(error), promise], {
      end: () => '',
      hasFailed: () => false,
      encodeError: String,
      onFailed: () => failures.push('failed'),
    });
    await expect(merged).rejects.toBe(error);
    resolve(other);
    await settled();
    expect([failures, other.cancelled]).toEqual([['failed'], 1]);
  });

  it('reports a part that fails before it begins, after another has', async () => {
    const one = new ScriptedBody();
    const { promise, reject } = Promise.withResolvers<StreamBody>();
    const merged = await mergedStream([Promise.resolve(one), promise], {
      end: () => 'END',
      hasFailed: () => false,
      encodeError: (error) => `error: ${String(error)}`,
      onFailed: () => {},
    });
    const client = new Client();
    merged.start(client);
    await settled();
    reject(new Error('lost'));
    await settled();
    expect(client.pieces).toEqual([['error: Error: lost', true]]);
    expect([client.outcome, one.cancelled]).toEqual(['ended', 1]);
  });
});
