import { describe, expect, it } from 'vitest';
import { findMultipartModel } from '#lib/chat/http/multipart-model';

const part = (name: string, value: string, more = '') =>
  `--b\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n${value}\r\n`;

async function modelOf(form: string): Promise<string | undefined> {
  const bytes = Buffer.from(form);
  const found = await findMultipartModel({
    bytes: bytes.byteLength,
    read: async (start, end) => bytes.subarray(start, end),
  });
  // The position is that of the value.
  if (found !== undefined) expect(bytes.subarray(found.start, found.end).toString()).toBe(found.model);
  return found?.model;
}

describe('the model of a form', () => {
  it('is found before the file, and behind it', async () => {
    const file = part('file', 'x'.repeat(300_000), '; filename="a.wav"');
    expect(await modelOf(part('language', 'en') + part('model', 'größe-1') + file)).toBe('größe-1');
    expect(await modelOf(part('language', 'größe') + file + part('model', 'größe-2'))).toBe('größe-2');
  });

  it.each([
    [
      'without quotes and with a type',
      '--b\r\ncontent-disposition: form-data; name=model\r\nContent-Type: text/plain\r\n\r\nm\r\n',
      'm',
    ],
    ['that is a field of another name', part('model_name', 'x') + part('mode', 'y'), undefined],
    ['in the text of another field', part('prompt', 'name="model"'), undefined],
  ])('%s is read as it is', async (_what, body, expected) => {
    expect(await modelOf(`${body}--b--\r\n`)).toBe(expected);
  });

  it('is not looked for further than 64 KiB from both ends', async () => {
    const file = part('file', 'x'.repeat(64 * 1024));
    expect(await modelOf(file + part('model', 'm') + file)).toBeUndefined();
  });

  it.each([
    ['lines that begin a part', 'content-disposition:'.repeat(3_200)],
    ['fields without an end', 'content-disposition:;name=model\r\n'.repeat(2_000)],
    ['parameters', `content-disposition:${';  '.repeat(20_000)}`],
  ])('is looked for in %s without blocking the server', async (_what, body) => {
    const startMs = performance.now();
    expect(await modelOf(body)).toBeUndefined();
    expect(performance.now() - startMs).toBeLessThan(5_000);
  });
});
