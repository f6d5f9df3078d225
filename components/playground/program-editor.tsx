'use client';

import { type RefObject, useEffect, useRef, useState } from 'react';
import type { CodeEditorProps } from '#components/playground/code-editor';
import { loadable, useLoaded } from '#lib/browser/loadable';
import { whenIdle } from '#lib/browser/when-idle';
import { findLanguageInfo } from '#lib/languages/infos';
import type { LanguageId } from '#lib/wire/code';
import { highlight } from '../markdown/highlight.ts';
import { paintRanges } from '../markdown/highlight-ranges.ts';
import { afterPaint } from './after-paint.ts';
import { prefetch } from './prefetch.ts';
import { FIRST_WORKSPACE } from './workspace.ts';

const loadEditor = () => import('#components/playground/code-editor');
/**
 * The program is readable and editable before the editor exists, which takes a phone a third of a
 * second.
 */
const editor = loadable(() => Promise.all([loadEditor(), afterPaint()]).then(([{ CodeEditor }]) => CodeEditor));

/** Readers on touch devices mostly run the program unchanged: the editor waits for a touch. */
const isTouchDevice = () => matchMedia('(pointer: coarse)').matches;
if (typeof window !== 'undefined' && !isTouchDevice()) prefetch(loadEditor);

interface ProgramEditorProps extends Omit<CodeEditorProps, 'plain' | 'onReady'> {
  /** Called once the handle can be used. */
  onLoaded: () => void;
}

/**
 * A plain field that is replaced by the editor once that has loaded; selection and focus carry
 * over. Touch devices load it at the first touch.
 */
export function ProgramEditor({ onLoaded, ...props }: ProgramEditorProps) {
  const isLoaded = useLoaded(useFirstTouch(), editor);
  const [isReady, setReady] = useState(false);
  const plain = useRef<HTMLTextAreaElement>(null);
  return (
    <div className="h-full min-h-0 overflow-hidden">
      {isReady ? null : <PlainEditor key={props.file.id} field={plain} {...props} />}
      {isLoaded ? (
        <editor.Component
          {...props}
          plain={plain}
          onReady={() => {
            setReady(true);
            requestAnimationFrame(onLoaded);
          }}
        />
      ) : null}
    </div>
  );
}

function useFirstTouch(): boolean {
  const [touched, setTouched] = useState(false);
  useEffect(() => {
    if (!isTouchDevice()) {
      setTouched(true);
      return;
    }
    const listening = new AbortController();
    for (const type of ['pointerdown', 'keydown', 'focusin'])
      document.addEventListener(type, () => setTouched(true), { capture: true, signal: listening.signal });
    return () => listening.abort();
  }, []);
  return touched;
}

/** Looks exactly like the editor. On touch devices its text is coloured once the page is idle. */
function PlainEditor({
  field,
  label,
  file,
  onChange,
}: Omit<ProgramEditorProps, 'onLoaded'> & { field: RefObject<HTMLTextAreaElement | null> }) {
  const [isAlive, setAlive] = useState(false);
  // Own state: a changing default would move the cursor to the beginning.
  const [first] = useState(file.text);
  const [text, setText] = useState(file.text);
  const code = useRef<HTMLPreElement>(null);
  const numbers = useRef<HTMLDivElement>(null);
  useEffect(() => setAlive(true), []);
  useColours(code, text, file.language);
  return (
    <div className="relative h-full" data-first={file.id === FIRST_WORKSPACE.files[0].id || undefined}>
      <div
        aria-hidden
        className="pointer-events-none absolute inset-0 flex overflow-hidden font-mono text-sm leading-[1.6]"
      >
        <div ref={numbers} className="w-13 shrink-0 whitespace-pre py-3 text-end text-ink-3 max-md:w-8">
          {lineNumbers(text)}
        </div>
        <div className="ms-[calc(1.25rem+6px)] min-w-0 flex-1 overflow-hidden max-md:ms-[calc(0.25rem+6px)]">
          <pre ref={code} className="whitespace-pre py-3 [tab-size:4] forced-colors:hidden" dir="ltr">
            {text}
          </pre>
        </div>
      </div>
      {/* Its own text is transparent: the one below it has the colours. */}
      <textarea
        ref={field}
        aria-label={label}
        defaultValue={first}
        onChange={(event) => {
          setText(event.target.value);
          onChange(file.id, event.target.value);
        }}
        onScroll={({ currentTarget: { scrollLeft, scrollTop } }) => {
          if (numbers.current !== null) numbers.current.style.translate = `0 ${-scrollTop}px`;
          if (code.current !== null) code.current.style.translate = `${-scrollLeft}px ${-scrollTop}px`;
        }}
        // Input before hydration would be lost.
        readOnly={!isAlive}
        dir="ltr"
        wrap="off"
        autoCapitalize="off"
        spellCheck={false}
        className="relative block size-full resize-none whitespace-pre bg-transparent py-3 ps-[calc(4.5rem+6px)] pe-3 font-mono text-sm text-transparent leading-[1.6] caret-ink outline-none [tab-size:4] max-md:ps-[calc(2.25rem+6px)]"
      />
    </div>
  );
}

/** On other devices the editor comes before colours could. */
function useColours(code: RefObject<HTMLElement | null>, text: string, language: LanguageId | undefined): void {
  const name = language === undefined ? undefined : (findLanguageInfo(language)?.highlightAs ?? language);
  useEffect(() => {
    if (name === undefined || !isTouchDevice()) return;
    let isCurrent = true;
    let clear: (() => void) | undefined;
    const colour = async () => {
      const ranges = await highlight(text, name);
      const node = code.current?.firstChild;
      if (isCurrent && ranges !== undefined && node instanceof Text) clear = paintRanges(node, ranges);
    };
    const cancel = whenIdle(() => void colour(), PATIENCE_MS);
    return () => {
      isCurrent = false;
      cancel();
      clear?.();
    };
  }, [code, text, name]);
}

/** The longest that code stays in one colour on a busy page. */
const PATIENCE_MS = 1_000;
/** More lines than any screen shows. */
const MOST_NUMBERS = 120;

function lineNumbers(text: string): string {
  const { length } = text.split('\n', MOST_NUMBERS);
  return Array.from({ length }, (_, index) => index + 1).join('\n');
}
