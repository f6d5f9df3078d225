'use client';

import { type RefObject, use, useEffect, useImperativeHandle, useLayoutEffect, useRef, useState } from 'react';
import { useNonce } from '#components/shell/providers';
import type { LanguageId } from '#lib/wire/code';
import { createEditor, type Editor, type EditorFile, loadGrammar } from './editor.ts';
import type { Problem } from './use-diagnostics.ts';

export interface EditorHandle {
  goTo: (line: number, column: number | undefined) => void;
  focus: () => void;
  /** Replaces the whole text, which one undo brings back. */
  replace: (text: string) => void;
  /** Opens the panel that finds and replaces. */
  find: () => void;
}

export interface CodeEditorProps {
  handle: RefObject<EditorHandle | null>;
  /** The accessible name. */
  label: string;
  /** Shown as soon as its `id` changes. Its text then lives in the editor. */
  file: EditorFile;
  /** Files whose editor state is kept. */
  ids: readonly number[];
  problems: readonly Problem[];
  onChange: (id: number, text: string) => void;
  onRun: () => void;
  /** The plain field that precedes the editor. */
  plain: RefObject<HTMLTextAreaElement | null>;
  /** Called before paint, so that the plain field disappears in the same frame. */
  onReady: () => void;
}

/** Uncontrolled: the text lives in the editor, and React is notified of changes. */
export function CodeEditor({ handle, label, file, ids, problems, plain, onReady, ...events }: CodeEditorProps) {
  const nonce = useNonce();
  // The first file waits for its grammar; later ones are coloured when theirs has loaded.
  const [isColoured] = useState(() => grammarOf(file.language));
  use(isColoured);
  const parent = useRef<HTMLDivElement>(null);
  const editor = useRef<Editor>(null);
  const latest = useRef({ file, onReady, ...events });
  useEffect(() => {
    latest.current = { file, onReady, ...events };
  });
  useLayoutEffect(() => {
    if (parent.current === null) return;
    const created = createEditor({
      parent: parent.current,
      label,
      nonce,
      onChange: (text) => latest.current.onChange(latest.current.file.id, text),
      onRun: () => latest.current.onRun(),
    });
    editor.current = created;
    const field = plain.current;
    created.show({ ...latest.current.file, ...(field === null ? {} : { text: field.value }) });
    if (field !== null) created.goOnFrom(field);
    latest.current.onReady();
    return () => created.destroy();
  }, [nonce, label, plain]);
  const { id } = file;
  const isFirst = useRef(true);
  useEffect(() => {
    if (!isFirst.current && latest.current.file.id === id) editor.current?.show(latest.current.file);
    isFirst.current = false;
  }, [id]);
  useEffect(() => editor.current?.keepOnly(ids), [ids]);
  useEffect(() => editor.current?.mark(problems), [problems]);
  useImperativeHandle(handle, () => ({
    goTo: (line, column) => editor.current?.goTo(line, column),
    focus: () => editor.current?.focus(),
    replace: (text) => editor.current?.replace(text),
    find: () => editor.current?.find(),
  }));
  return <div ref={parent} className="h-full min-h-0" dir="ltr" />;
}

const grammars = new Map<LanguageId | undefined, Promise<unknown>>();

/** Cached, because React identifies a suspended promise by reference. */
function grammarOf(language: LanguageId | undefined): Promise<unknown> {
  const known = grammars.get(language);
  if (known !== undefined) return known;
  const grammar = language === undefined ? Promise.resolve() : loadGrammar(language);
  grammars.set(language, grammar);
  return grammar;
}
