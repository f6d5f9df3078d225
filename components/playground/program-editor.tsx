'use client';

import { type RefObject, useEffect, useRef, useState } from 'react';
import type { CodeEditorProps } from '#components/playground/code-editor';
import { loadable, useLoaded } from '#lib/browser/loadable';
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

type ProgramEditorProps = Omit<CodeEditorProps, 'plain' | 'onReady'>;

/**
 * A plain field that is replaced by the editor once that has loaded; selection and focus carry
 * over. Touch devices load it at the first touch.
 */
export function ProgramEditor(props: ProgramEditorProps) {
  const isLoaded = useLoaded(useFirstTouch(), editor);
  const [isReady, setReady] = useState(false);
  const plain = useRef<HTMLTextAreaElement>(null);
  return (
    <div className="h-full min-h-0 overflow-hidden">
      {isReady ? null : <PlainEditor key={props.file.id} field={plain} {...props} />}
      {isLoaded ? <editor.Component {...props} plain={plain} onReady={() => setReady(true)} /> : null}
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

/** Looks exactly like the editor. */
function PlainEditor({
  field,
  label,
  file,
  onChange,
}: ProgramEditorProps & { field: RefObject<HTMLTextAreaElement | null> }) {
  const [isAlive, setAlive] = useState(false);
  // Own state: a changing default would move the cursor to the beginning.
  const [text] = useState(file.text);
  useEffect(() => setAlive(true), []);
  return (
    <div className="relative h-full" data-first={file.id === FIRST_WORKSPACE.files[0].id || undefined}>
      <div
        aria-hidden
        className="pointer-events-none absolute inset-y-0 start-0 w-13 overflow-hidden whitespace-pre py-3 text-end font-mono text-ink-3 text-sm leading-[1.6]"
      >
        {lineNumbers(text)}
      </div>
      <textarea
        ref={field}
        aria-label={label}
        defaultValue={text}
        onChange={(event) => onChange(file.id, event.target.value)}
        // Input before hydration would be lost.
        readOnly={!isAlive}
        dir="ltr"
        wrap="off"
        autoCapitalize="off"
        spellCheck={false}
        className="block size-full resize-none whitespace-pre bg-transparent py-3 ps-[calc(4.5rem+6px)] pe-3 font-mono text-sm leading-[1.6] outline-none [tab-size:4]"
      />
    </div>
  );
}

/** More lines than any screen shows. */
const MOST_NUMBERS = 120;

function lineNumbers(text: string): string {
  const { length } = text.split('\n', MOST_NUMBERS);
  return Array.from({ length }, (_, index) => index + 1).join('\n');
}
