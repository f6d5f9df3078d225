import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { boundedStream } from '#lib/http/body-stream';

afterEach(() => {
  vi.useRealTimers();
});

describe('a body that is read while it arrives', () => {
  it('passes its bytes on, and counts them', async () => {
    const source = new PassThrough();
    let counted = 0;
    const content = boundedStream(source, 100, (bytes) => {
      counted += bytes;
    });
    source.write('hello ');
    source.end('world');
    expect(await text(content)).toBe('hello world');
    expect(counted).toBe(11);
  });

  it('fails above its limit, and leaves its source open', async () => {
    const source = new PassThrough();
    const content = boundedStream(source, 5, () => {});
    source.write('hello!');
    await expect(text(content)).rejects.toMatchObject({ code: 'body_too_large', data: { limit_bytes: 5 } });
    expect(source.destroyed).toBe(false);
  });

  it('fails if its source ends early', async () => {
    const source = new PassThrough();
    const content = boundedStream(source, 100, () => {});
    source.write('hel');
    source.destroy();
    await expect(text(content)).rejects.toMatchObject({ code: 'invalid_request' });
  });

  it('holds its source back while nothing is read, for any time, and ends one that stalls', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
    const source = new PassThrough({ highWaterMark: 1024 });
    const content = boundedStream(source, 10_000_000, () => {});
    const chunk = Buffer.alloc(64 * 1024);
    while (source.write(chunk));
    await vi.waitFor(() => expect(source.isPaused()).toBe(true));
    vi.advanceTimersByTime(600_000);
    expect(source.destroyed).toBe(false);
    content.resume();
    await vi.waitFor(() => expect(source.readableLength).toBe(0));
    vi.advanceTimersByTime(140_000);
    expect(source.destroyed).toBe(true);
  });
});
