'use client';

import { type ComponentProps, createElement, isValidElement, type ReactNode, useMemo } from 'react';
import remarkMath from 'remark-math';
import {
  type Components,
  defaultRehypePlugins,
  defaultRemarkPlugins,
  type ExtraProps,
  parseMarkdownIntoBlocks,
  Streamdown,
  type StreamdownProps,
} from 'streamdown';
import { CodeBlock } from '#components/markdown/code-block';
import { DiagramBlock } from '#components/markdown/diagram-block';
import { Formula } from '#components/markdown/formula';
import { WritingContext } from '#components/markdown/writing-context';
import { rehypeDirections } from '#lib/client/directions';
import { withDollarMath } from '#lib/client/math-marks';

/**
 * Markdown in blocks, of which only the last is parsed again while it grows. Nothing that a model writes is fetched:
 * images are named, not loaded, and a link opens only when it is followed.
 */
export function RichMarkdown({ text, streaming }: { text: string; streaming: boolean }) {
  const marked = useMemo(() => withDollarMath(text.replaceAll(/\r\n?/g, '\n')), [text]);
  return (
    <WritingContext value={streaming}>
      <Streamdown
        className="prose"
        mode="streaming"
        isAnimating={streaming}
        parseIncompleteMarkdown={streaming}
        parseMarkdownIntoBlocksFn={intoBlocks}
        remarkPlugins={REMARK_PLUGINS}
        rehypePlugins={REHYPE_PLUGINS}
        controls={false}
        lineNumbers={false}
        components={COMPONENTS}
      >
        {marked}
      </Streamdown>
    </WritingContext>
  );
}

/** One dollar is money: `withDollarMath` has made two of those that are not. */
export const REMARK_PLUGINS: NonNullable<StreamdownProps['remarkPlugins']> = [
  ...Object.values(defaultRemarkPlugins),
  [remarkMath, { singleDollarTextMath: false }],
];

/** Streamdown's own, and in place of its boxes around each block, which a long chat has hundreds of, a direction where one is needed. */
export const REHYPE_PLUGINS: NonNullable<StreamdownProps['rehypePlugins']> = [
  ...Object.values(defaultRehypePlugins),
  rehypeDirections,
];

/** A link's address may stand in another block than the link: such a text is parsed as one. */
function intoBlocks(markdown: string): string[] {
  return /^ {0,3}\[[^\]]+\]:/m.test(markdown) ? [markdown] : parseMarkdownIntoBlocks(markdown);
}

const PLAIN = [
  'p',
  'ul',
  'ol',
  'li',
  'strong',
  'h1',
  'h2',
  'h3',
  'h4',
  'h5',
  'h6',
  'blockquote',
  'hr',
  'thead',
  'tbody',
  'tr',
  'th',
  'td',
  'sup',
  'sub',
] as const;

/** The bare element: `prose.css` dresses it. */
function Plain({ node, className: _className, ...props }: Record<string, unknown> & ExtraProps) {
  return createElement(node?.tagName ?? 'span', props);
}

export const COMPONENTS: Components = {
  ...Object.fromEntries(PLAIN.map((tag) => [tag, Plain])),
  a: Anchor,
  img: ImageName,
  table: Table,
  input: Checkbox,
  code: Code,
  inlineCode: InlineCode,
};

function Anchor({ node: _node, className: _className, href, children, ...props }: ComponentProps<'a'> & ExtraProps) {
  if (href === undefined || !/^(https?:|mailto:|#)/i.test(href)) return <span>{children}</span>;
  const elsewhere = href.startsWith('#') ? {} : { target: '_blank', rel: 'noopener noreferrer nofollow' };
  return (
    <a {...props} href={href} title={href} {...elsewhere}>
      {children}
    </a>
  );
}

function ImageName({ src, alt }: ComponentProps<'img'> & ExtraProps) {
  const name = alt === undefined || alt === '' ? 'Image' : `Image: ${alt}`;
  const address = typeof src === 'string' && /^https?:/i.test(src) ? src : undefined;
  if (address === undefined) return <span className="text-ink-3">[{name}]</span>;
  return (
    <a href={address} title={address} target="_blank" rel="noopener noreferrer nofollow">
      {name}
    </a>
  );
}

/** Keyboards must be able to scroll what is wider than the page. */
const SCROLLABLE = { tabIndex: 0, role: 'group', 'aria-label': 'Table' } as const;

/** The mark of a task in a list: to be seen, not to be set. */
function Checkbox({ checked }: ComponentProps<'input'> & ExtraProps) {
  return (
    <input
      type="checkbox"
      checked={checked === true}
      disabled
      readOnly
      aria-label={checked === true ? 'Done' : 'Open'}
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

function Code({ className, children }: ComponentProps<'code'> & ExtraProps) {
  const language = /language-([^\s]+)/.exec(className ?? '')?.[1] ?? '';
  const code = textOf(children).replace(/\n$/, '');
  if (language === 'math') return <Formula tex={code} isDisplay />;
  if (language === 'mermaid') return <DiagramBlock code={code} />;
  return <CodeBlock code={code} language={language} />;
}

function InlineCode({ className, children }: ComponentProps<'code'> & ExtraProps) {
  if (className?.includes('language-math') === true) return <Formula tex={textOf(children)} isDisplay={false} />;
  return <code dir="ltr">{children}</code>;
}

function textOf(node: ReactNode): string {
  if (typeof node === 'string') return node;
  if (Array.isArray(node)) return node.map(textOf).join('');
  if (isValidElement<{ children?: ReactNode }>(node)) return textOf(node.props.children);
  return '';
}
