import { describe, expect, it } from 'vitest';
import { readTextFile } from './read-text-file.ts';
import { textBlocks } from './text-blocks.ts';
import { contentWithFiles, isLongPaste, lineCount, pastedTextName, utf8Bytes } from './text-files.ts';

const file = (bytes: BlobPart, name = 'notes.txt') => new File([bytes], name);

describe('readTextFile', () => {
  it.each([
    ['UTF-8', 'a,b\nä,世\n', 'a,b\nä,世\n'],
    ['UTF-8 with a byte order mark', '\u{feff}{"a": 1}', '{"a": 1}'],
    ['line breaks of Windows', 'one\r\ntwo\r\n', 'one\ntwo\n'],
    ['UTF-16 of Windows', new Uint8Array([0xff, 0xfe, 0x61, 0, 0x0a, 0]), 'a\n'],
    ['nothing', '', ''],
  ])('reads %s', async (_, bytes, text) => {
    expect(await readTextFile(file(bytes))).toMatchObject({ name: 'notes.txt', type: 'text', text });
  });

  it.each([
    ['no UTF-8', new Uint8Array([0x25, 0x50, 0x44, 0x46, 0xe2, 0xe3, 0xcf, 0xd3])],
    ['NUL characters', 'PK\0\0'],
    ['megabytes that are no text', new Uint8Array(2_000_000)],
  ])('refuses %s', async (_, bytes) => {
    await expect(readTextFile(file(bytes, 'a.bin'))).rejects.toThrow(
      'a.bin can’t be attached: it is neither text nor an image.',
    );
  });

  it('refuses a text above the limit of the server with its size', async () => {
    await expect(readTextFile(file('ä'.repeat(1_000_000), 'b.log'))).rejects.toThrow(
      'b.log is too large (1.9 MB; the limit is 1 MB).',
    );
  });
});

describe('contentWithFiles', () => {
  it('puts named code blocks in front of the question', () => {
    const files = [
      { name: 'main.py', text: 'print(1)\n' },
      { name: 'Pasted text', text: 'log' },
    ];
    expect(contentWithFiles('Why?', files)).toBe(
      'main.py:\n```py\nprint(1)\n```\n\nPasted text:\n```\nlog\n```\n\nWhy?',
    );
    expect(contentWithFiles('Why?')).toBe('Why?');
    expect(contentWithFiles('', files.slice(1))).toBe('Pasted text:\n```\nlog\n```');
  });

  it('uses a fence that is longer than any in the text', () => {
    expect(contentWithFiles('', [{ name: 'a.md', text: '````js\n`````' }])).toBe(
      'a.md:\n``````md\n````js\n`````\n``````',
    );
  });
});

it('counts lines and bytes as people read them', () => {
  expect(['', 'a', 'a\n', 'a\nb', '\n'].map(lineCount)).toEqual([0, 1, 1, 2, 1]);
  expect(utf8Bytes('ä世')).toBe(5);
});

it('attaches what is long or has no place to break, and what the field has no room for', () => {
  expect(isLongPaste('word '.repeat(1_600), 0)).toBe(false);
  expect(isLongPaste('word '.repeat(1_700), 0)).toBe(true);
  expect(isLongPaste('word', 32_767)).toBe(true);
  expect(isLongPaste('A'.repeat(5_000), 0)).toBe(true);
  expect(isLongPaste('世'.repeat(5_000), 0)).toBe(false);
});

it('gives pasted texts different names', () => {
  const named = (...names: string[]) => names.map((name) => ({ name, text: '' }));
  expect(pastedTextName([])).toBe('Pasted text');
  expect(pastedTextName(named('Pasted text', 'Pasted text 3'))).toBe('Pasted text 2');
});

describe('textBlocks', () => {
  it('cuts a text into blocks that together are the text', () => {
    const text = Array.from({ length: 1_000 }, (_, index) => `line ${index}`).join('\n');
    const blocks = textBlocks(text);
    expect(blocks.map(({ text }) => text).join('\n')).toBe(text);
    expect(blocks.every(({ lines }) => lines <= 200)).toBe(true);
    expect(textBlocks('')).toEqual([]);
  });

  it('cuts a line that is too long for one block', () => {
    const text = `short\n${'x'.repeat(50_000)}`;
    const blocks = textBlocks(text);
    expect(blocks.map(({ text }) => text.length)).toEqual([5, 20_000, 20_000, 10_000]);
  });
});
