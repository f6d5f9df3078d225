import type { Nodes, Root } from 'mdast';
import { isFormatting } from './html-tags.ts';
import { isTooNested, lastLeaf, MAX_DEPTH, parseMarkdown } from './markdown-processor.ts';

/**
 * Markdown that is still being written, as the reader should see it: emphasis, code and elements
 * that are open at its end are closed, a link shows its words until its address is complete, and
 * marks of which the rest may follow are held back. Marks are only closed where a second parse
 * shows that this hides the marks and changes nothing else.
 */
export function closeUnfinished(markdown: string): string {
  try {
    return isTooNested(markdown) ? markdown : closed(markdown);
  } catch (error) {
    // Nested more deeply than the parser can follow: `toElements` shows it as text.
    if (error instanceof RangeError) return markdown;
    throw error;
  }
}

function closed(markdown: string): string {
  // Most of the time the last paragraph has no mark, and is not parsed a second time.
  const paragraph = markdown.slice(markdown.lastIndexOf('\n\n') + 1);
  if (!MARK.test(paragraph) && !markdown.startsWith('<')) return markdown;
  const path = lastPath(parseMarkdown(markdown));
  const { type, position } = path.at(-1) ?? { type: 'root' };
  if (type === 'code' || type === 'math') return withoutHalfFence(markdown, position?.start.offset ?? 0);
  const isWhole = type === 'inlineCode' && position?.end.offset === markdown.length;
  const held = isWhole
    ? markdown
    : heldBack(
        markdown,
        path.some((node) => node.type === 'table'),
      );
  return closeElements(type === 'html' ? held : closeInline(held));
}

const MARK = /[*_~`[\]<\\]|(?:^|\n)[ \t>]*[-=+#|\d]/;

/** The last line of open code may be the beginning of its end. */
function withoutHalfFence(markdown: string, start: number): string {
  const opening = /^(?:`+|~+|\$+)/.exec(markdown.slice(start))?.[0] ?? '';
  const [line = '', marks = ''] = /\n[ \t>]*([`~$]+)$/.exec(markdown) ?? [];
  return marks.length < opening.length && opening.startsWith(marks)
    ? markdown.slice(0, markdown.length - line.length)
    : markdown;
}

/** Lines that another character may make a heading, a rule, a list, a table or code of. */
const UNDECIDED_LINE = /(^|\n)[ \t>]*(?:=+|[-|: \t]+|[*_~`+]+|\d{1,9}[.)]?|#{1,6})[ \t]*$/;
const UNDECIDED_MARKS = /(?:[*_~`]+|!?\[|\\)$/;

function heldBack(markdown: string, isTable: boolean): string {
  const text = withoutLastMarks(markdown);
  const line = isTable ? null : UNDECIDED_LINE.exec(text);
  if (line === null || line[0].trim() === '') return text;
  return text.slice(0, line.index + (line[1]?.length ?? 0));
}

function withoutLastMarks(markdown: string): string {
  const [tag = '', name = ''] = /<\/?([A-Za-z\d]*)$/.exec(markdown) ?? [];
  const isTag = tag !== '' && isFormatting(name, 'beginning');
  const marks = isTag ? tag : (UNDECIDED_MARKS.exec(markdown)?.[0] ?? '');
  const before = markdown.slice(0, markdown.length - marks.length);
  const isEscaped = /(?:^|[^\\])(?:\\\\)*\\$/.test(before);
  // "``` a `" is code in a line; without its last mark it would open a block.
  return isEscaped || (marks.startsWith('`') && /(?:^|\n)[ \t>]*```[^\n]*$/.test(before)) ? markdown : before;
}

interface Opening {
  marks: string;
  at: number;
}

/** At most so many marks are tried: what is older is not about the end. */
const TRIED = 4;
/** A character of an address. Another link begins at `](`, so each search ends there. */
const IN_ADDRESS = /(?:\\.|(?!\]\()[^\s()\\])/.source;
/**
 * A link whose address has no end yet. A bracket in the address has its end, or nothing that could
 * belong to it follows: there is one way to read each text, so a search takes linear time.
 */
const HALF_LINK = new RegExp(
  [
    /!?\[(?:\\.|[^[\]\\\n])*\]\(/.source,
    `(?:${IN_ADDRESS}|\\(${IN_ADDRESS}*(?:\\)|(?!${IN_ADDRESS})))*`,
    /\\?(?:[ \t]+(?:["'(](?:(?!\]\()[^"'\n])*)?)?$/.source,
  ].join(''),
);

function closeInline(markdown: string): string {
  const text = markdown.trimEnd();
  const link = HALF_LINK.exec(text);
  if (link !== null) {
    const whole = `${text.slice(0, link.index)}${link[0].slice(0, link[0].lastIndexOf('](') + 2)}#)`;
    const tree = parseMarkdown(whole);
    const last = lastInline(tree);
    if (last?.type === 'link' || last?.type === 'image') return closeMarks(whole, tree);
  }
  return closeMarks(text, parseMarkdown(text)) + markdown.slice(text.length);
}

function closeMarks(text: string, tree: Root): string {
  const all = openings(text, tree);
  const plain = shownText(tree);
  for (let first = Math.max(0, all.length - TRIED); first < all.length; first += 1) {
    const marks = all.slice(first).map((opening) => opening.marks);
    const candidate = text + marks.toReversed().join('');
    const outcome = shownText(parseMarkdown(candidate));
    const hidden = marks.join('').length;
    if (plain.length - outcome.length === hidden && withoutMarks(outcome) === withoutMarks(plain)) return candidate;
  }
  return text;
}

/** Marks in the last paragraph that stand there as text and could open something. */
function openings(text: string, tree: Root): Opening[] {
  const found: Opening[] = [];
  const container = lastContainer(tree);
  for (const child of 'children' in container ? container.children : []) {
    const from = child.position?.start.offset;
    const to = child.position?.end.offset;
    if (child.type !== 'text' || from === undefined || to === undefined) continue;
    for (const { 1: marks, index } of text.slice(from, to).matchAll(/\\.|(\*{1,3}|_{1,3}|~~|`+)(?=\S)/gs)) {
      if (marks === undefined) continue;
      found.push({ marks, at: from + index });
      // What follows is code.
      if (marks.startsWith('`')) return found;
    }
  }
  return found;
}

/** The nodes at the end of a text, from the outermost to the innermost. */
function lastPath(node: Nodes): Nodes[] {
  const last = 'children' in node ? node.children.at(-1) : undefined;
  return last === undefined ? [node] : [node, ...lastPath(last)];
}

const INLINE: ReadonlySet<string> = new Set(['emphasis', 'strong', 'delete', 'link', 'linkReference']);

/** The paragraph, heading or cell at the end. */
function lastContainer(node: Nodes): Nodes {
  const last = 'children' in node ? node.children.at(-1) : undefined;
  return last === undefined || INLINE.has(last.type) || !('children' in last) ? node : lastContainer(last);
}

function lastInline(tree: Root): Nodes | undefined {
  const container = lastContainer(tree);
  return 'children' in container ? container.children.at(-1) : undefined;
}

function shownText(node: Nodes): string {
  return allText(node).replace(/\s+/g, ' ').trim();
}

function allText(node: Nodes): string {
  if ('children' in node)
    return node.children.map(allText).join(INLINE.has(node.type) || node.type === 'paragraph' ? '' : ' ');
  if ('value' in node) return node.value;
  return node.type === 'image' ? (node.alt ?? '') : ' ';
}

function withoutMarks(text: string): string {
  return text.replace(/[*_~`]/g, '');
}

/** Elements that are written over several lines, with what else may stand in them. */
const SPANNING = /^ {0,3}<(blockquote|center|details|div|dl|ol|pre|table|ul)(?:\s[^<>]*)?>[ \t]*(?:$|<)/i;
const ANY_TAG = /<(\/?)([A-Za-z][A-Za-z\d]*)(?:\s[^<>]*)?>/g;
const WITHOUT_END = /^(?:br|hr)$/;

function closeElements(markdown: string): string {
  if (!/^ {0,3}</m.test(markdown)) return markdown;
  const open: string[] = [];
  for (const line of markdown.split('\n')) {
    if (open.length === 0 && !SPANNING.test(line)) continue;
    for (const [, slash, written = ''] of line.matchAll(ANY_TAG)) {
      const name = written.toLowerCase();
      if (!isFormatting(name, 'name') || WITHOUT_END.test(name)) continue;
      if (slash === '') {
        if (open.length < MAX_DEPTH) open.push(name);
      } else if (open.includes(name)) open.length = open.lastIndexOf(name);
    }
  }
  if (open.length === 0) return markdown;
  const ends = open.toReversed().map((name) => `</${name}>`);
  const isInHtml = lastLeaf(parseMarkdown(markdown)).type === 'html';
  return isInHtml ? markdown + ends.join('') : `${markdown}\n\n${ends.join('')}`;
}
