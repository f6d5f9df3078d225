'use client';

import type { Element } from 'hast';
import { type Components, toJsxRuntime } from 'hast-util-to-jsx-runtime';
import { type ComponentProps, createElement, memo, useContext, useEffect, useId, useMemo, useState } from 'react';
import { Fragment, jsx, jsxs } from 'react/jsx-runtime';
import { BlockIndexContext } from '#components/markdown/block-index-context';
import { CodeBlock } from '#components/markdown/code-block';
import { DiagramBlock } from '#components/markdown/diagram-block';
import { Formula } from '#components/markdown/formula';
import { LateFormulasContext } from '#components/markdown/late-formulas-context';
import { StreamingContext } from '#components/markdown/streaming-context';
import { Button } from '#components/ui/button';
import { Notice } from '#components/ui/notice';
import { downloadText } from '#lib/browser/download';
import { directionOf } from '#lib/browser/text-direction';
import { toMarkdownBlocks } from './markdown-blocks.ts';
import { toElements } from './markdown-processor.ts';
import { texOf } from './math-syntax.ts';
import { piecesOf } from './split-blocks.ts';
import { MARKDOWN_STRINGS } from './strings.ts';

const PROSE = { className: 'prose' };

interface RichMarkdownProps {
  text: string;
  /** The text is still growing: unfinished marks are closed. */
  streaming: boolean;
}

/**
 * Markdown as React elements, block by block: only the last block is parsed again while the text
 * grows. Nothing in a response is fetched: images show their name, and links open on click.
 */
export const RichMarkdown = memo(function RichMarkdown({ text, streaming }: RichMarkdownProps) {
  const scope = useId();
  const head = headOf(text);
  const isWhole = head.length === text.length;
  const blocks = useMemo(() => toMarkdownBlocks(head, streaming && isWhole), [head, streaming, isWhole]);
  const richCount = countWithin(blocks, RICH_CHARACTERS);
  const readyCount = useGrowingCount(blocks, richCount);
  const isAllRich = isWhole && richCount === blocks.length;
  const hasManyFormulas = useMemo(() => marksOf(head) > MANY_MARKS, [head]);
  return (
    <StreamingContext value={streaming}>
      <LateFormulasContext value={hasManyFormulas}>
        {/* Static children need no keys: a block is identified by its index. */}
        {createElement(
          'div',
          PROSE,
          ...blocks
            .slice(0, richCount)
            .map((markdown, index) =>
              index < readyCount ? createElement(IndexedBlock, { markdown, scope, index }) : plainPiece(markdown),
            ),
          isAllRich
            ? null
            : createElement(Rest, { text, rest: blocks.slice(richCount).join('') + text.slice(head.length) }),
        )}
      </LateFormulasContext>
    </StreamingContext>
  );
});

/** Text that begins after as many characters is plain: to parse it takes seconds. */
const RICH_CHARACTERS = 300_000;
/** To parse and mount a block, however short, takes as long as so many characters. */
const BLOCK_CHARACTERS = 100;
/** Formatted at once, and then per task. Until its turn a block is plain text. */
const FIRST_CHARACTERS = 20_000;
const STEP_CHARACTERS = 10_000;
const STEP_MS = 16;
/** Two dollars are a formula. */
const MANY_MARKS = 600;

/** The beginning of a text that is formatted. It stays the same while a long text grows. */
function headOf(text: string): string {
  if (text.length <= RICH_CHARACTERS) return text;
  const newline = text.lastIndexOf('\n', RICH_CHARACTERS - 1) + 1;
  if (newline > RICH_CHARACTERS / 2) return text.slice(0, newline);
  // A surrogate pair is not split.
  const isPairCut = /[\ud800-\udbff]/.test(text.charAt(RICH_CHARACTERS - 1));
  return text.slice(0, isPairCut ? RICH_CHARACTERS - 1 : RICH_CHARACTERS);
}

function marksOf(text: string): number {
  let count = 0;
  for (let at = text.indexOf('$'); at !== -1; at = text.indexOf('$', at + 1)) count += 1;
  return count;
}

/** How many of the first `count` blocks are formatted now. It grows by a step per task. */
function useGrowingCount(blocks: readonly string[], count: number): number {
  const [characters, setCharacters] = useState(FIRST_CHARACTERS);
  const ready = Math.min(count, countWithin(blocks, characters));
  const isReady = ready === count;
  useEffect(() => {
    if (isReady) return;
    const timer = setTimeout(() => setCharacters(characters + STEP_CHARACTERS), STEP_MS);
    return () => clearTimeout(timer);
  }, [isReady, characters]);
  return ready;
}

/** How many texts begin within `length` characters, where each is longer by `BLOCK_CHARACTERS`. */
function countWithin(texts: readonly string[], length: number): number {
  let start = 0;
  const end = texts.findIndex((text) => {
    const isAfter = start >= length;
    start += text.length + BLOCK_CHARACTERS;
    return isAfter;
  });
  return end === -1 ? texts.length : end;
}

const PLAIN = { 'data-literal': '', 'data-rest': '' };

const PlainPiece = memo(function PlainPiece({ text }: { text: string }) {
  return (
    <div {...PLAIN} dir={directionOf(text.slice(0, BLOCK_CHARACTERS))}>
      {text}
    </div>
  );
});

const plainPiece = (text: string) => createElement(PlainPiece, { text });

/** What is not formatted of a text, after a notice. Only the last piece changes while it grows. */
function Rest({ text, rest }: { text: string; rest: string }) {
  return (
    <>
      <TooLong text={text} />
      {createElement(Fragment, null, ...piecesOf(rest).map(plainPiece))}
    </>
  );
}

function TooLong({ text }: { text: string }) {
  return (
    <Notice
      className="my-3"
      action={
        <Button size="sm" onClick={() => downloadText(MARKDOWN_STRINGS.downloadName, text, 'text/markdown')}>
          {MARKDOWN_STRINGS.download}
        </Button>
      }
    >
      {MARKDOWN_STRINGS.tooLong}
    </Notice>
  );
}

/** A block that knows its place in the text, by which results of its programs are kept. */
const IndexedBlock = memo(function IndexedBlock({ index, ...block }: BlockProps & { index: number }) {
  return (
    <BlockIndexContext value={index}>
      <Block {...block} />
    </BlockIndexContext>
  );
});

interface BlockProps {
  markdown: string;
  scope: string;
}

/** One block. `scope` keeps ids of several texts in a page apart. */
export const Block = memo(function Block({ markdown, scope }: BlockProps) {
  return toJsxRuntime(toElements(markdown, scope), { Fragment, jsx, jsxs, components: COMPONENTS, passNode: true });
});

interface ExtraProps {
  node?: Element | undefined;
}

const COMPONENTS: Partial<Components> = {
  a: Anchor,
  img: ImageName,
  table: Table,
  th: HeaderCell,
  td: Cell,
  input: Checkbox,
  pre: Preformatted,
  code: InlineCode,
};

/** Links to the web, to e-mail and to footnotes. Other links show their text only. */
function Anchor({ node, className: _className, href = '', children, ...props }: ComponentProps<'a'> & ExtraProps) {
  const { dataFootnoteRef, dataFootnoteBackref } = node?.properties ?? {};
  if (dataFootnoteRef !== undefined || dataFootnoteBackref !== undefined)
    return (
      <a {...props} href={href}>
        {children}
      </a>
    );
  if (!/^(?:https?:\/\/|mailto:)/i.test(href)) return <span>{children}</span>;
  return (
    <a href={href} title={href} target="_blank" rel="noopener noreferrer nofollow">
      {children}
    </a>
  );
}

function ImageName({ src, alt }: ComponentProps<'img'> & ExtraProps) {
  const name = alt === undefined || alt === '' ? MARKDOWN_STRINGS.image : MARKDOWN_STRINGS.imageNamed(alt);
  const address = typeof src === 'string' && /^https?:\/\//i.test(src) ? src : undefined;
  if (address === undefined) return <span className="text-ink-3">[{name}]</span>;
  return (
    <a href={address} title={address} target="_blank" rel="noopener noreferrer nofollow">
      {name}
    </a>
  );
}

const SCROLLABLE = { tabIndex: 0, role: 'group', 'aria-label': MARKDOWN_STRINGS.table } as const;

/** A read-only checkbox of a task list. */
function Checkbox({ checked }: ComponentProps<'input'> & ExtraProps) {
  return (
    <input
      type="checkbox"
      checked={checked === true}
      disabled
      readOnly
      aria-label={checked === true ? MARKDOWN_STRINGS.taskDone : MARKDOWN_STRINGS.taskOpen}
    />
  );
}

function Table({ children, dir }: ComponentProps<'table'> & ExtraProps) {
  return (
    <div className="table-frame" dir={dir} {...SCROLLABLE}>
      <table>{children}</table>
    </div>
  );
}

/** Characters of a cell that needs several lines anyway: it gets a width at which it reads well. */
const LONG_CELL = 32;

/** Whether the column has to be wide. Narrow ones take the width of their words. */
function lengthOf(node: Element | undefined): 'long' | undefined {
  return node !== undefined && textOf(node).length > LONG_CELL ? 'long' : undefined;
}

function HeaderCell({ node, ...props }: ComponentProps<'th'> & ExtraProps) {
  return <th {...props} data-length={lengthOf(node)} />;
}

function Cell({ node, ...props }: ComponentProps<'td'> & ExtraProps) {
  return <td {...props} data-length={lengthOf(node)} />;
}

/** A code block, a display formula, or a diagram. */
function Preformatted({ node }: ComponentProps<'pre'> & ExtraProps) {
  const isStreaming = useContext(StreamingContext);
  const [code] = node?.children ?? [];
  if (code?.type !== 'element') return null;
  const classes = code.properties.className;
  const language =
    (Array.isArray(classes) ? classes : [])
      .map(String)
      .find((name) => name.startsWith('language-'))
      ?.slice(9) ?? '';
  const text = textOf(code).replace(/\n$/, '');
  if (language === 'math') return <Formula tex={text} isDisplay />;
  const isOpen = isStreaming && code.properties.dataOpen !== undefined;
  if (language === 'mermaid') return <DiagramBlock code={text} isOpen={isOpen} />;
  return <CodeBlock code={text} language={language} isOpen={isOpen} offset={node?.position?.start.offset} />;
}

function InlineCode({ node, children }: ComponentProps<'code'> & ExtraProps) {
  const classes = node?.properties.className;
  if (node !== undefined && Array.isArray(classes) && classes.includes('math-inline'))
    return <Formula {...texOf(textOf(node))} />;
  return <code dir="ltr">{children}</code>;
}

function textOf(element: Element): string {
  return element.children
    .map((child) => (child.type === 'text' ? child.value : child.type === 'element' ? textOf(child) : ''))
    .join('');
}
