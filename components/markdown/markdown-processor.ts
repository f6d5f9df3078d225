import type { Element, ElementContent, Nodes as HastNodes, Root as HastRoot } from 'hast';
import type { Code, Nodes, Root, RootContent } from 'mdast';
import { fromMarkdown, type Options } from 'mdast-util-from-markdown';
import remarkCjkFriendly from 'remark-cjk-friendly/parseOnly';
import remarkCjkFriendlyStrikethrough from 'remark-cjk-friendly-gfm-strikethrough/parseOnly';
import remarkGfm from 'remark-gfm';
import remarkParse from 'remark-parse';
import remarkRehype from 'remark-rehype';
import { type Processor, unified } from 'unified';
import { cjkFriendlyAutolinks, NOT_IN_ADDRESS } from './cjk-links.ts';
import { formatHtml } from './html-tags.ts';
import { remarkFormulas } from './math-syntax.ts';
import { rehypeTextDirection } from './rehype-text-direction.ts';

/** Requires two tildes, so that `4~6` is a range. */
const STRIKETHROUGH = { singleTilde: false };

const processor = unified()
  .use(remarkParse)
  .use(remarkGfm, STRIKETHROUGH)
  .use(remarkCjkFriendly)
  .use(remarkCjkFriendlyStrikethrough, STRIKETHROUGH)
  .use(remarkCjkLinks)
  .use(remarkFormulas)
  .use(remarkRehype, { clobberPrefix: '' })
  .use(rehypeTextDirection)
  .freeze();

/** The mdast of a text: CommonMark, GFM and formulas. HTML is still in `html` nodes. */
export function parseMarkdown(markdown: string): Root {
  return processor.parse(markdown);
}

/**
 * The hast of a text. Of a model's HTML only formatting elements remain. `scope` keeps footnote
 * ids of several texts in a page apart.
 */
export function toElements(markdown: string, scope: string): HastRoot {
  if (isCostly(markdown)) return asText(markdown);
  try {
    const tree = parseMarkdown(markdown);
    formatHtml(tree, { parse: parseMarkdown, parseWithoutHtml });
    markOpenFence(tree, markdown);
    const elements = processor.runSync(tree);
    scopeIds(elements, scope);
    if (hasLongWord(markdown)) markLongWord(elements);
    return isDeeper(elements, MAX_DEPTH) ? asText(markdown) : elements;
  } catch (error) {
    // The parsers recurse and may overflow the stack.
    if (error instanceof RangeError) return asText(markdown);
    throw error;
  }
}

/** Whether parsing or rendering of a block takes so long that the page would not respond. */
export function isCostly(markdown: string): boolean {
  return isTooNested(markdown) || isTooMarked(markdown) || hasTooManyCells(markdown);
}

/** In one paragraph. The parser compares each opening mark with all others. */
const MAX_MARKS = 1_500;
/** A line that ends the paragraph before it: blank, a table's row, a quote, or a list item. */
const NEW_PARAGRAPH = /^[ \t]*(?:$|[|>#]|[-+*][ \t]|\d{1,9}[.)][ \t])/;

function isTooMarked(markdown: string): boolean {
  if (markdown.length < MAX_MARKS) return false;
  let marks = 0;
  let fence: string | undefined;
  for (const line of markdown.split('\n')) {
    const [, found] = /^[ \t>]*(`{3,}|~{3,})/.exec(line) ?? [];
    if (found !== undefined) fence = fence === undefined ? found : closes(line, fence) ? undefined : fence;
    if (fence !== undefined) continue;
    if (NEW_PARAGRAPH.test(line)) marks = 0;
    marks += line.match(/\*+|_+|~~|\[/g)?.length ?? 0;
    if (marks > MAX_MARKS) return true;
  }
  return false;
}

const MAX_COLUMNS = 100;
const MAX_CELLS = 3_000;

function hasTooManyCells(markdown: string): boolean {
  const rule = /^[ \t>]*\|?(?:[ \t]*:?-+:?[ \t]*\|)+[ \t]*:?-*:?[ \t]*$/m.exec(markdown);
  if (rule === null) return false;
  const columns = rule[0].split('|').length;
  if (columns > MAX_COLUMNS) return true;
  let cells = 0;
  for (let at = markdown.indexOf('|', rule.index); at !== -1; at = markdown.indexOf('|', at + 1)) cells += 1;
  return cells > MAX_CELLS;
}

const LONG_WORD = 1_000;

function hasLongWord(markdown: string): boolean {
  return markdown.length > LONG_WORD && markdown.split(/\s+/).some((word) => word.length > LONG_WORD);
}

/**
 * Turns kerning off. Chromium breaks no line between two letters of a kerned pair without shaping
 * the rest of the word again, so that layout of a long word takes seconds.
 */
function markLongWord(root: HastRoot): void {
  for (const child of root.children)
    if (child.type === 'element') child.properties = { ...child.properties, dataLongWord: '' };
}

/** Whether a line opens so many nested quotes and lists that parsing takes seconds. */
export function isTooNested(markdown: string): boolean {
  return /^(?:[ \t]*(?:>|(?:[-+*]|\d{1,9}[.)])[ \t])){100}/m.test(markdown);
}

/** No useful text is nested deeper, and browsers lay it out slowly. */
export const MAX_DEPTH = 200;

function isDeeper(node: HastNodes, depth: number): boolean {
  if (depth === 0) return true;
  return 'children' in node && node.children.some((child) => isDeeper(child, depth - 1));
}

function asText(markdown: string): HastRoot {
  const text: ElementContent = { type: 'text', value: markdown };
  return {
    type: 'root',
    children: [{ type: 'element', tagName: 'p', properties: { dataLiteral: '' }, children: [text] }],
  };
}

/** A remark plugin: see {@link cjkFriendlyAutolinks}. */
function remarkCjkLinks(this: Processor): (tree: Root) => void {
  const data = this.data();
  data.micromarkExtensions ??= [];
  data.micromarkExtensions.push(cjkFriendlyAutolinks());
  return cutLinks;
}

/** mdast-util-gfm-autolink-literal searches text for URLs again and ends them elsewhere. */
function cutLinks(node: Nodes): void {
  if (!('children' in node)) return;
  for (const [index, child] of node.children.entries()) {
    cutLinks(child);
    const [label] = child.type === 'link' && child.position === undefined ? child.children : [];
    if (child.type !== 'link' || label?.type !== 'text') continue;
    const end = label.value.search(NOT_IN_ADDRESS);
    if (end === -1) continue;
    const rest: RootContent = { type: 'text', value: label.value.slice(end) };
    child.url = child.url.slice(0, child.url.length - rest.value.length);
    label.value = label.value.slice(0, end);
    node.children.splice(index + 1, 0, rest as never);
  }
}

/** As {@link parseMarkdown}, but without HTML blocks. */
function parseWithoutHtml(markdown: string): Root {
  const data = processor.data();
  const options: Options = {
    extensions: [...(data.micromarkExtensions ?? []), { disable: { null: ['htmlFlow'] } }],
    mdastExtensions: data.fromMarkdownExtensions ?? [],
  };
  return fromMarkdown(markdown, options);
}

/** Marks a code block at the end of the text whose fence has not closed. */
function markOpenFence(tree: Root, markdown: string): void {
  const last = lastLeaf(tree);
  const { start, end } = last.position ?? {};
  if (last.type !== 'code' || start?.offset === undefined || end?.offset === undefined) return;
  const source = markdown.slice(start.offset, end.offset);
  const marks = /^[`~]{3,}/.exec(source)?.[0];
  const lines = source.split('\n');
  if (marks === undefined || (lines.length > 1 && closes(lines.at(-1) ?? '', marks))) return;
  const code: Code = last;
  code.data = { ...code.data, hProperties: { dataOpen: '' } };
}

function closes(line: string, marks: string): boolean {
  const [, found = ''] = /^[ \t>]*([`~]{3,})[ \t]*$/.exec(line) ?? [];
  return found.startsWith(marks);
}

export function lastLeaf(node: Nodes): Nodes {
  const last = 'children' in node ? node.children.at(-1) : undefined;
  return last === undefined ? node : lastLeaf(last);
}

/** Only footnotes have ids. */
function scopeIds(node: HastNodes, scope: string): void {
  if (node.type === 'element') scopeElement(node, scope);
  if ('children' in node) for (const child of node.children as ElementContent[]) scopeIds(child, scope);
}

function scopeElement({ properties }: Element, scope: string): void {
  if (typeof properties.id === 'string') properties.id = `${scope}-${properties.id}`;
  if (properties.ariaDescribedBy !== undefined) properties.ariaDescribedBy = [`${scope}-footnote-label`];
  const isFootnote = properties.dataFootnoteRef !== undefined || properties.dataFootnoteBackref !== undefined;
  if (isFootnote && typeof properties.href === 'string') properties.href = `#${scope}-${properties.href.slice(1)}`;
}
