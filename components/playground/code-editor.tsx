'use client';

import { type RefObject, useEffect, useImperativeHandle, useRef } from 'react';
import { useNonce } from '#components/shell/providers';
import { createEditor, type Editor } from '#lib/client/editor';
import type { LanguageId } from '#lib/wire/code';

export interface EditorHandle {
  replace: (text: string, language: LanguageId) => void;
  focus: () => void;
}

interface CodeEditorProps {
  handle: RefObject<EditorHandle | null>;
  initialText: string;
  initialLanguage: LanguageId;
  onChange: (text: string) => void;
  onRun: () => void;
}

/** The text lives in the editor; React only hears of changes. */
export default function CodeEditor({ handle, initialText, initialLanguage, onChange, onRun }: CodeEditorProps) {
  const nonce = useNonce();
  const parent = useRef<HTMLDivElement>(null);
  const editor = useRef<Editor>(null);
  const latest = useRef({ initialText, initialLanguage, onChange, onRun });
  useEffect(() => {
    latest.current = { initialText, initialLanguage, onChange, onRun };
  });
  useEffect(() => {
    if (parent.current === null) return;
    const created = createEditor({
      parent: parent.current,
      text: latest.current.initialText,
      language: latest.current.initialLanguage,
      label: 'Program',
      nonce,
      onChange: (text) => latest.current.onChange(text),
      onRun: () => latest.current.onRun(),
    });
    editor.current = created;
    return () => created.destroy();
  }, [nonce]);
  useImperativeHandle(handle, () => ({
    replace: (text, language) => editor.current?.replace(text, language),
    focus: () => editor.current?.focus(),
  }));
  return <div ref={parent} className="h-full min-h-0" dir="ltr" />;
}
