import { renderToStaticMarkup } from 'react-dom/server';
import { describe, expect, it } from 'vitest';
import { Block, RichMarkdown } from '#components/markdown/rich-markdown';
import { CORPUS } from '../../e2e/markdown-corpus.ts';
import { lengthenOuterFences } from './nested-fences.ts';
import { normalizeMath } from './normalize-math.ts';
import { MARKDOWN_STRINGS } from './strings.ts';

/** Parsed as one text: the reference for rendering block by block. */
function parsedAsOne(markdown: string): string {
  const whole = normalizeMath(lengthenOuterFences(markdown, false), false);
  return renderToStaticMarkup(<Block markdown={whole} scope="_R_0_" />);
}

/** Without the block boundaries and the outer frame. */
function bare(html: string): string {
  return html
    .replace(/^<div class="prose">(.*)<\/div>$/s, '$1')
    .replaceAll(/>\s+</g, '><')
    .trim();
}

describe('Markdown rendered block by block', () => {
  it.each(Object.entries(CORPUS))('equals the text parsed as a whole: %s', (_, markdown) => {
    const blocks = renderToStaticMarkup(<RichMarkdown text={markdown} streaming={false} />);
    expect(bare(blocks)).toBe(bare(parsedAsOne(markdown.replaceAll('\r\n', '\n'))));
  });

  it('keeps every word of every prefix of a text', () => {
    for (const [name, markdown] of Object.entries(CORPUS)) {
      if (/html|images|maths|formula|entities|reference|footnotes|endings/.test(name)) continue;
      const step = Math.max(1, Math.floor(markdown.length / 20));
      for (let length = step; length <= markdown.length; length += step) {
        const html = renderToStaticMarkup(<RichMarkdown text={markdown.slice(0, length)} streaming />);
        const text = html
          .replaceAll(/<[^>]+>/g, ' ')
          .replaceAll('&quot;', '"')
          .replaceAll('&gt;', '>');
        // The last line may end in an incomplete mark. The first line of a fence is a label.
        const lines = markdown
          .slice(0, length)
          .split('\n')
          .slice(0, -1)
          .filter((line) => !/`{3}/.test(line))
          .join('\n');
        for (const word of lines.match(/[\p{L}\p{N}]{3,}/gu) ?? []) {
          expect(text.toLowerCase(), `${name}, after ${length} characters`).toContain(word.toLowerCase());
        }
      }
    }
  });

  it('shows what follows a very long text as it is, without parsing it', () => {
    const html = renderToStaticMarkup(<RichMarkdown text={`${'**a**\n\n'.repeat(6_000)}**end** <b>`} streaming />);
    expect(html).toContain('<strong>a</strong>');
    expect(html).toContain('**end** &lt;b&gt;</div>');
    expect(html.match(/<strong>/g)?.length).toBeLessThan(4_000);
  });

  it('says so where a response is too long to format, and shows all of it in few elements', () => {
    const lines = renderToStaticMarkup(<RichMarkdown text={'short line\n'.repeat(200_000)} streaming />);
    expect(lines.includes(MARKDOWN_STRINGS.tooLong)).toBe(true);
    expect(lines.match(/short line/g)?.length).toBe(200_000);
    expect(lines.match(/<(?:p|div)\b/g)?.length).toBeLessThan(300);
    const word = renderToStaticMarkup(<RichMarkdown text={'x'.repeat(5_000_000)} streaming={false} />);
    expect(word.match(/x{1000,}/g)?.join('').length).toBe(5_000_000);
    // A kerned word of 20,000 letters is laid out in more than a second.
    expect(word.includes('<p data-long-word="">')).toBe(true);
    expect(renderToStaticMarkup(<RichMarkdown text="short" streaming={false} />)).toBe(
      '<div class="prose"><p>short</p></div>',
    );
  });

  it('formats a part at first, so that the page responds in between', () => {
    const html = renderToStaticMarkup(<RichMarkdown text={'**a** '.repeat(50).concat('\n\n').repeat(500)} streaming />);
    expect(html).not.toContain(MARKDOWN_STRINGS.tooLong);
    expect(html.match(/<strong>/g)?.length).toBeLessThan(6_000);
    expect(html.match(/data-rest/g)?.length).toBeGreaterThan(300);
  });

  it.each([
    ['open marks', '*a '.repeat(5_000)],
    ['brackets', '['.repeat(15_000)],
    ['columns', `|${' h |'.repeat(300)}\n|${' - |'.repeat(300)}\n|${' c |'.repeat(300)}`],
    ['cells', `| a | b |\n| - | - |\n${'| c | d |\n'.repeat(1_500)}`],
  ])('shows too many %s as text', (_, text) => {
    const html = renderToStaticMarkup(<Block markdown={text} scope="x" />);
    expect(html).toMatch(/^<p data-literal="[^"]*">/);
    expect(html.match(/</g)?.length).toBe(2);
  });

  it('formats as many marks and cells as an ordinary response has', () => {
    const list = renderToStaticMarkup(<Block markdown={'- **a** [b](https://c.test) *d*\n'.repeat(500)} scope="x" />);
    expect(list.match(/<strong>/g)?.length).toBe(500);
    const table = renderToStaticMarkup(
      <Block markdown={`| a | b |\n| - | - |\n${'| **c** | d |\n'.repeat(500)}`} scope="x" />,
    );
    expect(table.match(/<strong>/g)?.length).toBe(500);
    const code = renderToStaticMarkup(<Block markdown={`~~~js\n${'a[0] *= b_c;\n'.repeat(2_000)}~~~`} scope="x" />);
    expect(code).not.toContain('data-literal');
  });

  it('sets a direction only where it differs from the parent, without wrapping blocks', () => {
    const html = renderToStaticMarkup(
      <RichMarkdown
        text={'English\n\nשלום `code`\n\n- שלום\n- עולם\n\n| א | ב |\n| - | - |\n| ג | ד |'}
        streaming={false}
      />,
    );
    expect(html).toMatch(/^<div[^>]*class="[^"]*prose[^"]*"[^>]*><p>English<\/p>\s*<p dir="rtl">שלום <code dir="ltr">/);
    expect(html).toMatch(/<ul dir="rtl">\s*<li>שלום/);
    expect(html).toMatch(/<div class="table-frame" dir="rtl"/);
    expect(html).not.toContain('contents');
  });
});
