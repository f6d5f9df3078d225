'use client';

import { type FormEvent, type ReactNode, useId, useState } from 'react';
import { Button } from '#components/ui/button';
import { PROGRAM_STRINGS as S } from './strings.ts';

interface NameFormProps {
  name: string;
  /** A sentence why the name is not possible; undefined if it is. */
  errorOf: (name: string) => string | undefined;
  action: string;
  /** Next to the button. */
  children?: ReactNode;
  onName: (name: string) => void;
  onDone: () => void;
}

/** A form of one name, which is selected when it opens. */
export function NameForm({ name, errorOf, action, children, onName, onDone }: NameFormProps) {
  const [text, setText] = useState(name);
  const [submitted, setSubmitted] = useState(false);
  const errorId = useId();
  const trimmed = text.trim();
  const error = errorOf(trimmed);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setSubmitted(true);
    if (error !== undefined) return;
    onName(trimmed);
    onDone();
  };
  return (
    <form onSubmit={submit} className="flex flex-col gap-2">
      <label className="flex flex-col gap-1">
        <span className="text-ink-2">{S.name}</span>
        <input
          value={text}
          onChange={(event) => setText(event.target.value)}
          onFocus={(event) => event.target.select()}
          aria-invalid={submitted && error !== undefined}
          aria-describedby={errorId}
          autoComplete="off"
          spellCheck={false}
          className="h-9 rounded-md border border-line-strong bg-canvas px-3 font-mono text-sm outline-none pointer-coarse:h-10"
        />
      </label>
      <p id={errorId} role="status" className="min-h-5 text-error text-xs">
        {submitted || trimmed !== name ? error : undefined}
      </p>
      <div className="flex items-center justify-end gap-2">
        {children}
        <Button type="submit" kind="primary">
          {action}
        </Button>
      </div>
    </form>
  );
}
