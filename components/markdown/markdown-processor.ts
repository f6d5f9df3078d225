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
  if (isTooNested(markdown)) return asText(markdown);
  try {
    const tree = parseMarkdown(markdown);
    formatHtml(tree, { parse: parseMarkdown, parseWithoutHtml });
    markOpenFence(tree, markdown);
    const elements = processor.runSync(tree);
    scopeIds(elements, scope);
    return isDeeper(elements, MAX_DEPTH) ? asText(markdown) : elements;
  } catch (error) {
    // The parsers recurse and may overflow the stack.
    if (error instanceof RangeError) return asText(markdown);
    throw error;
  }
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
