import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { peekMultipartModel } from '#lib/chat/http/multipart-model';

const part = (name: string, value: string, more = '') =>
  `--b\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n${value}\r\n`;

function formOf(...chunks: string[]): PassThrough {
  const form = new PassThrough();
  for (const chunk of chunks) form.write(chunk);
  return form;
}

describe('the model of a form', () => {
  it('is found before the rest has come, and the form stays whole', async () => {
    const form = formOf(part('language', 'en'), part('model', 'größe-1').slice(0, 40));
    const peeking = peekMultipartModel(form);
    form.write(part('model', 'größe-1').slice(40));
    const { model, content } = await peeking;
    expect(model).toBe('größe-1');
    form.end(part('file', 'bytes', '; filename="a.wav"'));
    expect(await text(content)).toBe(
      part('language', 'en') + part('model', 'größe-1') + part('file', 'bytes', '; filename="a.wav"'),
    );
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
    const form = formOf(body);
    form.end('--b--\r\n');
    const { model, content } = await peekMultipartModel(form);
    expect(model).toBe(expected);
    expect(await text(content)).toBe(`${body}--b--\r\n`);
  });

  it('is not looked for behind 64 KiB', async () => {
    const form = formOf(part('file', 'x'.repeat(64 * 1024)));
    const { model, content } = await peekMultipartModel(form);
    expect(model).toBeUndefined();
    form.end(part('model', 'late'));
    expect(await text(content)).toContain('late');
  });

  it.each([
    ['lines that begin a part', 'content-disposition:'.repeat(3_200)],
    ['fields without an end', 'content-disposition:;name=model\r\n'.repeat(2_000)],
    ['parameters', `content-disposition:${';  '.repeat(20_000)}`],
  ])('is looked for in %s that come byte by byte, without blocking the server', async (_what, body) => {
    const bytes = Buffer.from(body);
    const startMs = performance.now();
    const { model, content } = await peekMultipartModel(Readable.from(bytes.values().map((byte) => Buffer.of(byte))));
    expect(performance.now() - startMs).toBeLessThan(5_000);
    expect(model).toBeUndefined();
    expect(await text(content)).toBe(body);
  });

  it('ends its form when it is left', async () => {
    const form = formOf(part('model', 'm'));
    const { content } = await peekMultipartModel(form);
    content.on('data', () => content.destroy());
    await new Promise((resolve) => form.once('close', resolve));
    expect(form.destroyed).toBe(true);
  });
});
