import { decodeNamedCharacterReference } from 'decode-named-character-reference';
import type { Root, RootContent } from 'mdast';
import { decodeNumericCharacterReference } from 'micromark-util-decode-numeric-character-reference';

/**
 * Elements that stay markup in a line of Markdown; {@link partnersInLine} has the rule. Emphasis
 * and links have Markdown syntax: `<b>` and `<a href>` are text there.
 */
const INLINE: ReadonlySet<string> = new Set(['a', 'br', 'kbd', 'sub', 'sup', 'u']);
/** Formatting elements that may occur in a line of an HTML block. */
const INLINE_IN_BLOCK: ReadonlySet<string> = new Set(
  'a b br cite code del em i ins kbd mark q s small span strong sub sup u'.split(' '),
);
/** Formatting elements that may occur in place of a paragraph. */
const BLOCK: ReadonlySet<string> = new Set(
  'blockquote caption center dd details div dl dt h1 h2 h3 h4 h5 h6 hr li ol p pre summary table tbody td tfoot th thead tr ul'.split(
    ' ',
  ),
);
const VOID: ReadonlySet<string> = new Set(['br', 'hr']);
/** Elements in which text is invalid. */
const WITHOUT_TEXT: ReadonlySet<string> = new Set(['dl', 'ol', 'table', 'tbody', 'tfoot', 'thead', 'tr', 'ul']);
/** Nodes whose children are blocks, one of which may be HTML. */
const FLOW: ReadonlySet<string> = new Set(['root', 'blockquote', 'listItem', 'footnoteDefinition']);

/** Whether text is the name of an element that stays markup, or the `beginning` of one. */
export function isFormatting(text: string, what: 'name' | 'beginning'): boolean {
  const name = text.toLowerCase();
  if (what === 'name') return INLINE_IN_BLOCK.has(name) || BLOCK.has(name);
  return [...INLINE_IN_BLOCK, ...BLOCK].some((known) => known.startsWith(name));
}

const TAG =
  /<(\/?)([A-Za-z][A-Za-z0-9-]*)((?:\s+[A-Za-z_:][\w.:-]*(?:\s*=\s*(?:[^\s"'=<>`]+|'[^']*'|"[^"]*"))?)*)\s*\/?>/g;

type Token =
  | { kind: 'node'; node: RootContent }
  | { kind: 'text'; source: string }
  | { kind: 'open' | 'close' | 'void'; source: string; name: string; attributes: string };

/** A parent with any children. mdast-util-to-hast makes an element of it by its `data`. */
interface Formatting {
  type: string;
  data?: { hName: string; hProperties: Record<string, string | boolean> };
  children: RootContent[];
}

/** An element that stays markup. mdast has no node for it. */
interface FormattingElement extends Formatting {
  type: 'formatting';
  /** It has no place in the source. */
  position?: undefined;
}

declare module 'mdast' {
  interface RootContentMap {
    formatting: FormattingElement;
  }
}

/** Parsers for parts of the text. */
export interface Parsers {
  parse: (markdown: string) => Root;
  /** Parses without HTML blocks, which keeps the emphasis in `<T> is a **type**`. */
  parseWithoutHtml: (markdown: string) => Root;
}

/**
 * Replaces the `html` nodes of a tree.
 *
 *  HTML blocks of formatting elements stay markup if both of their tags are there, and so do few
 * inline elements. Attributes that could name, style, load or run anything are dropped. Everything
 * else becomes text: `vector<int>`, `<your-key>`, `<script>`, comments.
 */
export function formatHtml(tree: Root, parsers: Parsers): void {
  format(tree as Formatting, { ...parsers, again: MAX_PARSED_AGAIN });
}

/** Bounds the time for unclosed tags, each of which has the rest parsed again. */
const MAX_PARSED_AGAIN = 4;

interface Context extends Parsers {
  /** How many more times the rest may be parsed with HTML. */
  again: number;
}

function format(parent: Formatting, parsers: Context): void {
  if (parent.children.some(({ type }) => type === 'html'))
    parent.children = FLOW.has(parent.type) ? formatFlow(parent, parsers) : formatLine(parent);
  for (const child of parent.children) if ('children' in child) format(child as Formatting, parsers);
}

function formatLine({ type, children }: Formatting): RootContent[] {
  const all = children.flatMap((node) => (node.type === 'html' ? tokens(node.value, false) : [asToken(node)]));
  return build(all, partnersInLine(all, type === 'tableCell'), false);
}

function formatFlow({ children }: Formatting, parsers: Context): RootContent[] {
  const groups = children.map((node) => (node.type === 'html' ? tokens(node.value, true) : [asToken(node)]));
  const partners = partnersOf(groups.flat());
  const kept = groups.flatMap((group, index) => {
    const node = children[index];
    return node?.type === 'html' && !isBlock(group, partners) ? asWritten(node.value, parsers) : group;
  });
  return build(kept, partnersOf(kept), true);
}

/**
 * Whether an HTML block starts with a formatting element. `<p>text</p> is a paragraph.` is a
 * sentence: words follow the element on its line.
 */
function isBlock(group: readonly Token[], partners: ReadonlyMap<Token, Token>): boolean {
  const [first] = group;
  if (first === undefined || !('name' in first) || !BLOCK.has(first.name)) return false;
  const partner = partners.get(first);
  if (partner === undefined || first.kind === 'close') return partner !== undefined;
  const end = group.indexOf(partner);
  const isEmpty = first.kind === 'open' && end === 1;
  return !isEmpty && (end === -1 || !/^[ \t]*\S/.test(textOf(group[end + 1])));
}

function asToken(node: RootContent): Token {
  return { kind: 'node', node };
}

function tokens(html: string, isFlow: boolean): Token[] {
  const found: Token[] = [];
  let at = 0;
  for (const { 0: source, 1: slash, 2: written = '', 3: attributes = '', index } of html.matchAll(TAG)) {
    const name = written.toLowerCase();
    if (isFlow ? !INLINE_IN_BLOCK.has(name) && !BLOCK.has(name) : !INLINE.has(name)) continue;
    if (index > at) found.push({ kind: 'text', source: html.slice(at, index) });
    found.push({ kind: VOID.has(name) ? 'void' : slash === '/' ? 'close' : 'open', source, name, attributes });
    at = index + source.length;
  }
  if (at < html.length) found.push({ kind: 'text', source: html.slice(at) });
  return found;
}

/**
 * The tags that are markup, each with its partner: void elements, and pairs that enclose content.
 */
function partnersOf(all: readonly Token[]): Map<Token, Token> {
  const partners = new Map<Token, Token>();
  const open: { token: Token; name: string; place: number }[] = [];
  /** Indices in `open` by name. */
  const placesOf = new Map<string, number[]>();
  for (const [place, token] of all.entries()) {
    if (token.kind === 'void') partners.set(token, token);
    if (token.kind === 'open') {
      const places = placesOf.get(token.name);
      if (places === undefined) placesOf.set(token.name, [open.length]);
      else places.push(open.length);
      open.push({ token, name: token.name, place });
    }
    if (token.kind !== 'close') continue;
    const start = placesOf.get(token.name)?.at(-1);
    const opening = start === undefined ? undefined : open[start];
    if (start === undefined || opening === undefined) continue;
    for (const { name } of open.splice(start)) placesOf.get(name)?.pop();
    // "between <b> and </b>" is about the tags.
    const isMention = /^ /.test(textOf(all[opening.place + 1])) && / $/.test(textOf(all[place - 1]));
    if (!isMention) partners.set(opening.token, token).set(token, opening.token);
  }
  return partners;
}

/** In a text about tags, the tags are what it is about. */
const ABOUT_TAGS = /\btags?\b|标签|標籤|タグ/i;

/**
 * As {@link partnersOf}, in a line of Markdown, where a tag is markup only if it cannot be meant
 * as text. In a paragraph or cell with the word "tag" each is text. Else these stay:
 *
 * - `<br>` next to other content of a table cell, and right after the words of a line that ends
 *   there;
 * - `<kbd>`, `<u>`, and, right after other text, `<sub>` and `<sup>`, around words on one line
 * with
 *   no space inside the tags and no other tag between them;
 * - `<a name="…"></a>`, an anchor, which shows nothing.
 */
function partnersInLine(all: readonly Token[], isCell: boolean): Map<Token, Token> {
  const partners = new Map<Token, Token>();
  if (ABOUT_TAGS.test(all.map(textOf).join(' '))) return partners;
  const isFilled = all.some((token) => token.kind !== 'void' && textOf(token).trim() !== '');
  for (const [place, token] of all.entries()) {
    if (token.kind === 'void' && (isCell ? isFilled : isLineEnd(all, place))) partners.set(token, token);
    if (token.kind !== 'open') continue;
    let end = place + 1;
    while (all[end]?.kind === 'node') end += 1;
    const close = all[end];
    if (close?.kind !== 'close' || close.name !== token.name) continue;
    const isMarkup = token.name === 'a' ? isAnchor(all, place) : isAround(all, place, end);
    if (isMarkup) partners.set(token, close).set(close, token);
  }
  return partners;
}

function isLineEnd(all: readonly Token[], place: number): boolean {
  return followsText(all, place) && /^[ \t]*\n/.test(textOf(all[place + 1]));
}

/** Whether text precedes a token directly. */
function followsText(all: readonly Token[], place: number): boolean {
  return place > 0 && !/\s$/.test(textOf(all[place - 1]));
}

function isAnchor(all: readonly Token[], place: number): boolean {
  const token = all[place];
  return token?.kind === 'open' && /^\s+(?:id|name)\s*=/i.test(token.attributes) && all[place + 1]?.kind === 'close';
}

function isAround(all: readonly Token[], place: number, end: number): boolean {
  const token = all[place];
  const inside = all.slice(place + 1, end);
  const isRaised = token?.kind === 'open' && (token.name === 'sub' || token.name === 'sup');
  return (
    inside.length > 0 &&
    !/^\s/.test(textOf(inside[0])) &&
    !/\s$/.test(textOf(inside.at(-1))) &&
    inside.every((one) => !(one.kind === 'node' && one.node.type === 'break') && !textOf(one).includes('\n')) &&
    (!isRaised || followsText(all, place))
  );
}

function textOf(token: Token | undefined): string {
  if (token?.kind === 'text') return token.source;
  return token?.kind === 'node' && token.node.type === 'text' ? token.node.value : '';
}

function build(all: readonly Token[], partners: ReadonlyMap<Token, Token>, isFlow: boolean): RootContent[] {
  const top: Formatting = { type: 'root', children: [] };
  const open = [top];
  for (let place = 0; place < all.length; place += 1) {
    const token = all[place];
    const parent = open.at(-1) ?? top;
    if (token === undefined) break;
    const partner = partners.get(token);
    if (token.kind === 'node') parent.children.push(token.node);
    else if (token.kind === 'text' || partner === undefined) {
      // Character references in an HTML block are not decoded yet.
      const value = isFlow && token.kind === 'text' ? decoded(token.source) : token.source;
      if (value.trim() === '' && (WITHOUT_TEXT.has(parent.data?.hName ?? '') || (isFlow && parent === top))) continue;
      const text: RootContent = { type: 'text', value: isFlow && parent === top ? value.trim() : value };
      parent.children.push(isFlow && parent === top ? { type: 'paragraph', children: [text] } : text);
    } else if (token.kind === 'close') open.pop();
    else if (token.name === 'br') parent.children.push({ type: 'break' });
    else if (token.name === 'pre') {
      const end = all.indexOf(partner, place);
      parent.children.push(preformatted(all.slice(place + 1, end)));
      place = end;
    } else {
      const element = elementOf(token.name, token.attributes);
      parent.children.push(element);
      if (token.kind === 'open') open.push(element);
    }
  }
  return top.children;
}

/** HTML that blank lines do not end, up to its closing tag. */
const OPEN_ENDED =
  /^<(?:(?:script|pre|style|textarea)\b(?!.*<\/(?:script|pre|style|textarea)>)|!--(?!.*-->)|\?(?!.*\?>)|![a-z[](?!.*>))/is;

/**
 * Text of an HTML block that is none: verbatim if it spans several lines, else parsed as Markdown.
 */
function asWritten(html: string, { again, parse, parseWithoutHtml }: Context): Token[] {
  const isOpenEnded = OPEN_ENDED.test(html.trimStart());
  if (!isOpenEnded && /^<.*\n.*>$/s.test(html.trim())) return [asToken(literal(html.trimEnd()))];
  const end = isOpenEnded && again > 0 ? html.search(/\n[ \t]*\n/) : -1;
  if (end === -1) return parseWithoutHtml(html).children.map(asToken);
  // The block had swallowed the rest.
  const rest = parse(html.slice(end));
  format(rest as Formatting, { again: again - 1, parse, parseWithoutHtml });
  return [...parseWithoutHtml(html.slice(0, end)).children, ...rest.children].map(asToken);
}

/** A paragraph that keeps its lines and indentation. mdast-util-to-hast strips them from text. */
function literal(value: string): RootContent {
  return {
    type: 'paragraph',
    data: { hProperties: { dataLiteral: '' }, hChildren: [{ type: 'text', value }] },
    children: [],
  };
}

/** A code block: the text of the content, and the language of `<code class="language-…">`. */
function preformatted(parts: readonly Token[]): RootContent {
  const value = parts.map((part) => (part.kind === 'text' ? decoded(part.source) : '')).join('');
  const classes = parts.map((part) => ('attributes' in part ? part.attributes : '')).join(' ');
  const lang = /\bclass\s*=\s*["']?language-([\w+#-]+)/i.exec(classes)?.[1] ?? null;
  return { type: 'code', lang, value: value.replace(/^\n/, '').replace(/\n$/, '') };
}

const ATTRIBUTE = /([A-Za-z_:][\w.:-]*)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'=<>`]+)))?/g;
const SPAN = { on: ['td', 'th'], value: /^[1-9]\d?$/ };
const ALIGNED = ['div', 'p', 'td', 'th', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6'];
/**
 * The allowed attributes by element, with their valid values. Links are checked where they are
 * rendered.
 */
const ATTRIBUTES: Readonly<Record<string, { on: readonly string[]; value: RegExp; property?: string }>> = {
  href: { on: ['a'], value: /^/ },
  open: { on: ['details'], value: /^/ },
  align: { on: ALIGNED, value: /^(?:left|center|right)$/ },
  colspan: { ...SPAN, property: 'colSpan' },
  rowspan: { ...SPAN, property: 'rowSpan' },
  start: { on: ['ol'], value: /^\d{1,9}$/ },
  dir: { on: ['div', 'p', 'span'], value: /^(?:ltr|rtl)$/ },
};

function elementOf(name: string, attributes: string): FormattingElement {
  if (name === 'center')
    return { type: 'formatting', data: { hName: 'div', hProperties: { align: name } }, children: [] };
  const hProperties: Record<string, string | boolean> = {};
  for (const [, written = '', double, single, bare] of attributes.matchAll(ATTRIBUTE)) {
    const key = written.toLowerCase();
    const kept = Object.hasOwn(ATTRIBUTES, key) ? ATTRIBUTES[key] : undefined;
    const value = decoded(double ?? single ?? bare ?? '');
    if (kept?.on.includes(name) === true && kept.value.test(value))
      hProperties[kept.property ?? key] = key === 'open' || value;
  }
  return { type: 'formatting', data: { hName: name, hProperties }, children: [] };
}

function decoded(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#[xX]([\da-fA-F]{1,6})|([A-Za-z\d]+));/g, (found, decimal, hexadecimal, name) => {
    if (decimal !== undefined) return decodeNumericCharacterReference(decimal, 10);
    if (hexadecimal !== undefined) return decodeNumericCharacterReference(hexadecimal, 16);
    return decodeNamedCharacterReference(name) || found;
  });
}
