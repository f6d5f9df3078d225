import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseAnsi, stripAnsi } from './ansi.ts';

const ESC = '\u001b';
const pieces = (text: string) => parseAnsi(text).pieces;

test('keeps text without sequences unchanged', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('a', 'ä', '\n', '\t', '<b>', '&', '🌙', '[0m') }), (text) => {
      expect(pieces(text).map((piece) => piece.text)).toEqual(text === '' ? [] : [text]);
    }),
  );
});

test('sets, combines and resets colours and styles', () => {
  expect(pieces(`a${ESC}[31mred${ESC}[1;4mboth${ESC}[22mless${ESC}[39mplain${ESC}[0mnone${ESC}[mnone`)).toEqual([
    { text: 'a', style: {} },
    { text: 'red', style: { colour: 'red' } },
    { text: 'both', style: { colour: 'red', bold: true, underline: true } },
    { text: 'less', style: { colour: 'red', underline: true } },
    { text: 'plain', style: { underline: true } },
    { text: 'none', style: {} },
    { text: 'none', style: {} },
  ]);
});

test.each([
  ['94', { colour: 'blue' }],
  ['103', { background: 'yellow' }],
  ['38;5;9', { colour: 'red' }],
  ['38;5;46', { colour: 'green' }],
  ['48;5;250', { background: 'white' }],
  ['38;2;255;0;255', { colour: 'magenta' }],
  ['38;2;20;20;30', { colour: 'black' }],
  ['1;38;5;14;7', { bold: true, colour: 'cyan', inverse: true }],
  ['38', {}],
  ['999', {}],
])('parses SGR %s', (codes, style) => {
  expect(pieces(`${ESC}[${codes}mx`)).toEqual([{ text: 'x', style }]);
});

test('carries a style over to the next text', () => {
  const first = parseAnsi(`${ESC}[32mon`);
  expect(parseAnsi('and on', first.style).pieces).toEqual([{ text: 'and on', style: { colour: 'green' } }]);
});

test('drops all other terminal sequences', () => {
  const title = `${ESC}]0;a title\u0007`;
  const link = `${ESC}]8;;https://example.org${ESC}\\link${ESC}]8;;${ESC}\\`;
  expect(
    pieces(`${title}${ESC}[2J${ESC}[1;1H${ESC}(B${ESC}=${link}\u0000\u0008!`)
      .map(({ text }) => text)
      .join(''),
  ).toBe('link!');
  expect(pieces(`cut off ${ESC}[3`).map(({ text }) => text)).toEqual(['cut off ']);
  expect(pieces(`cut off ${ESC}`).map(({ text }) => text)).toEqual(['cut off ']);
});

test('shows the last text of an overwritten line', () => {
  expect(pieces('10%\r50%\r100%\ndone\r\nend\r').map(({ text }) => text)).toEqual(['100%\ndone\nend']);
});

test('parses any text in linear time and leaves no escape in it', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom(ESC, '[', ']', ';', '3', '8', 'm', 'x', '\u0007', '\\', '\n') }),
      (text) => {
        expect(pieces(text).every((piece) => !piece.text.includes(ESC))).toBe(true);
      },
    ),
  );
});

test('leaves the text alone where output leaves the page', () => {
  expect(stripAnsi(`${ESC}[1;32mok${ESC}[0m\t${ESC}]0;title\u0007end\n10%\r100%\n`)).toBe('ok\tend\n100%\n');
});
