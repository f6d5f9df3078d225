'use client';

import { type RefObject, useEffect, useImperativeHandle, useLayoutEffect, useRef } from 'react';
import { useNonce } from '#components/shell/providers';
import type { Problem } from '#lib/client/diagnostics';
import { createEditor, type Editor, type EditorFile } from '#lib/client/editor';

export interface EditorHandle {
  goTo: (line: number, column: number | undefined) => void;
  focus: () => void;
}

interface CodeEditorProps {
  handle: RefObject<EditorHandle | null>;
  /** The accessible name. */
  label: string;
  /** Shown as soon as its `id` changes; its text is then the editor's own. */
  file: EditorFile;
  /** All files that may be shown again. */
  ids: readonly number[];
  problems: readonly Problem[];
  onChange: (id: number, text: string) => void;
  onRun: () => void;
}

/** The text lives in the editor; React only hears of changes. */
export default function CodeEditor({ handle, label, file, ids, problems, onChange, onRun }: CodeEditorProps) {
  const nonce = useNonce();
  const parent = useRef<HTMLDivElement>(null);
  const editor = useRef<Editor>(null);
  const latest = useRef({ file, onChange, onRun });
  useEffect(() => {
    latest.current = { file, onChange, onRun };
  });
  // Before the browser paints: the plain program that stood here goes with the same frame.
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
    created.show(latest.current.file);
    return () => created.destroy();
  }, [nonce, label]);
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
  }));
  return <div ref={parent} className="h-full min-h-0" dir="ltr" />;
}
