import type { Nodes, Root } from 'mdast';
import { isFormatting } from './html-tags.ts';
import { isCostly, lastLeaf, MAX_DEPTH, parseMarkdown } from './markdown-processor.ts';

/**
 * Closes what is open at the end of growing Markdown: emphasis, code and elements. A link shows
 * its text until its URL is complete, and incomplete marks are held back. Marks are closed only if
 * a second parse shows that this changes nothing else.
 */
export function closeUnfinished(markdown: string): string {
  try {
    return isCostly(markdown) ? markdown : closed(markdown);
  } catch (error) {
    // Nested too deeply for the parser: `toElements` shows it as text.
    if (error instanceof RangeError) return markdown;
    throw error;
  }
}

function closed(markdown: string): string {
  // Most last paragraphs contain no mark and are not parsed a second time.
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

/** The last line of open code may be the beginning of its closing fence. */
function withoutHalfFence(markdown: string, start: number): string {
  const opening = /^(?:`+|~+|\$+)/.exec(markdown.slice(start))?.[0] ?? '';
  const [line = '', marks = ''] = /\n[ \t>]*([`~$]+)$/.exec(markdown) ?? [];
  return marks.length < opening.length && opening.startsWith(marks)
    ? markdown.slice(0, markdown.length - line.length)
    : markdown;
}

/** Lines that one more character may turn into a heading, a rule, a list, a table or code. */
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
  // "``` a `" is inline code; without its last mark it would open a block.
  return isEscaped || (marks.startsWith('`') && /(?:^|\n)[ \t>]*```[^\n]*$/.test(before)) ? markdown : before;
}

interface Opening {
  marks: string;
  at: number;
}

/** The maximum number of marks to try. Older ones do not concern the end. */
const TRIED = 4;
/** A character of a URL. Another link begins at `](`, so each search ends there. */
const IN_ADDRESS = /(?:\\.|(?!\]\()[^\s()\\])/.source;
/**
 * A link whose URL is not complete. Each text matches in one way only, so that a search takes
 * linear time.
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

/** Marks in the last paragraph that are parsed as text and could open something. */
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
      // The rest is code.
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

/** Elements that span several lines, with other content in them. */
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
