import commonmark from 'commonmark-spec';
import type { Nodes as HastNodes } from 'hast';
import type { Nodes } from 'mdast';
import { fromMarkdown } from 'mdast-util-from-markdown';
import { gfmFromMarkdown } from 'mdast-util-gfm';
import { gfm } from 'micromark-extension-gfm';
import { describe, expect, it } from 'vitest';
import { toMarkdownBlocks } from './markdown-blocks.ts';
import { toElements } from './markdown-processor.ts';

/** The text of a response as the page shows it. */
function shown(markdown: string, writing: boolean): string {
  return toMarkdownBlocks(markdown, writing)
    .map((block) => textOfElements(toElements(block, 'x')))
    .join(' ');
}

function textOfElements(node: HastNodes): string {
  if (node.type === 'text') return node.value;
  if (node.type === 'element' && node.tagName === 'img') return String(node.properties.alt ?? '');
  if (node.type === 'element' && node.properties.dataFootnoteBackref !== undefined) return '';
  if (node.type === 'element' && node.properties.id === 'x-footnote-label') return '';
  if (node.type === 'element' && /^(?:br|hr|tr|td|th|p|h\d)$/.test(node.tagName)) return ` ${childrenOf(node)} `;
  return childrenOf(node);
}

function childrenOf(node: HastNodes): string {
  return 'children' in node ? node.children.map(textOfElements).join('') : '';
}

/** The text without markup, parsed as a whole by independent code. */
function reference(markdown: string): string {
  const tree = fromMarkdown(markdown, {
    extensions: [gfm({ singleTilde: false })],
    mdastExtensions: [gfmFromMarkdown()],
  });
  return textOfTree(tree);
}

function textOfTree(node: Nodes): string {
  if ('value' in node) return node.value;
  if (node.type === 'image' || node.type === 'imageReference') return node.alt ?? '';
  if (!('children' in node)) return ' ';
  const isInline = /^(?:link|linkReference|emphasis|strong|delete)$/.test(node.type);
  const text = node.children
    .map(textOfTree)
    .join(/^(?:paragraph|heading|tableCell)$/.test(node.type) || isInline ? '' : ' ');
  return isInline ? text : ` ${text} `;
}

function squeezed(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

const EXAMPLES = commonmark.tests.map(({ number, section, markdown }) => ({
  name: `example ${number} of CommonMark (${section})`,
  section,
  markdown: markdown.replaceAll('→', '\t'),
}));
/** HTML has a separate rule, which is tested below. */
const WITHOUT_HTML = EXAMPLES.filter(
  ({ section, markdown }) =>
    !/HTML/.test(section) && !/<[a-z!/?]/i.test(markdown.replace(/<[a-z][a-z0-9+.-]*:[^<>\s]*>/gi, '')),
);

const GFM: readonly string[] = [
  '| foo | bar |\n| --- | --- |\n| baz | bim |\n',
  '| abc | defghi |\n:-: | -----------:\nbar | baz\n',
  '| f\\|oo  |\n| ------ |\n| b `\\|` az |\n| b **\\|** im |\n',
  '| abc | def |\n| --- | --- |\n| bar | baz |\n> bar\n',
  '| abc | def |\n| --- | --- |\n| bar | baz |\nbar\n\nbar\n',
  '- [ ] foo\n- [x] bar\n',
  '- [x] foo\n  - [ ] bar\n  - [x] baz\n- [ ] bim\n',
  '~~Hi~~ Hello, ~there~ world!\n',
  'This ~~has a\n\nnew paragraph~~.\n',
  'www.commonmark.org/help and (www.google.com/search?q=Markup+(business)))\n',
  'https://encrypted.google.com/search?q=Markup+(business) and foo@bar.baz\n',
  'hello@mail+xyz.example is not hello+xyz@mail.example.\n',
  'A claim.[^1] Another.[^b]\n\n[^1]: Its source.\n[^b]: Of two\n    lines.\n',
];

describe('the text of a response', () => {
  it.each(WITHOUT_HTML)('equals the text of the model: $name', ({ markdown }) => {
    expect(squeezed(shown(markdown, false))).toBe(squeezed(reference(markdown)));
  });

  it.each(GFM)('equals the text of the model: %j', (markdown) => {
    // A footnote reference is a number on the page.
    const expected = squeezed(reference(markdown));
    expect(squeezed(shown(markdown, false)).replace(/(claim\.)1( Another\.)2/, '$1$2')).toBe(expected);
  });

  it('equals the text of the model while it grows', () => {
    const faults: string[] = [];
    for (const markdown of [...WITHOUT_HTML.map((example) => example.markdown), ...GFM.slice(0, -1)]) {
      const step = Math.max(1, Math.ceil(markdown.length / 6));
      for (let length = step; length < markdown.length; length += step) {
        const fault = growingFault(markdown.slice(0, length));
        if (fault !== undefined) faults.push(fault);
      }
    }
    expect(faults).toEqual([]);
  }, 90_000);
});

/**
 * Marks may be hidden before their end. At the very end a mark or a link's URL may be held back.
 */
function growingFault(markdown: string): string | undefined {
  const bare = (text: string) => text.replace(/[\s*_~`[\]!]/g, '');
  const now = bare(shown(markdown, true));
  // A line of dashes turns the previous line into a heading, and may become a list.
  const all = bare(reference(markdown.replace(/\n {0,3}[-=]+[ \t]*$/, '')));
  const isHeldBack = all.startsWith(now) && /^(?:\(\S*|<\/?[a-z]*|[-=+#|:\d.)>\\]*)$/i.test(all.slice(now.length));
  return isHeldBack
    ? undefined
    : `${JSON.stringify(markdown)} shows ${JSON.stringify(now)}, not ${JSON.stringify(all)}`;
}
