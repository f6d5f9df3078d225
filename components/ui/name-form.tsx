'use client';

import clsx from 'clsx';
import { type KeyboardEvent, type ReactNode, useId, useState } from 'react';
import { Button } from '#components/ui/button';
import { UI_STRINGS } from './strings.ts';

interface NameFormProps {
  name: string;
  label: string;
  action: string;
  /** A sentence why the name is not possible; undefined if it is. */
  errorOf: (name: string) => string | undefined;
  onName: (name: string) => void;
  /** Follows `onName`. */
  onDone: () => void;
  /** Given for a form in a row of a list: one line, with a Cancel button, and Escape cancels. */
  onCancel?: () => void;
  maxLength?: number;
  /** Next to the button. */
  children?: ReactNode;
}

/** The fields for one name, which is selected when it gets the focus. */
export function NameForm(props: NameFormProps) {
  const { name, label, action, errorOf, onName, onDone, onCancel, maxLength, children } = props;
  const [text, setText] = useState(name);
  const [submitted, setSubmitted] = useState(false);
  const fieldId = useId();
  const errorId = useId();
  const trimmed = text.trim();
  const error = errorOf(trimmed);
  const isInline = onCancel !== undefined;
  const submit = () => {
    setSubmitted(true);
    if (error !== undefined) return;
    onName(trimmed);
    onDone();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Enter' && !event.nativeEvent.isComposing) {
      // It may be inside of another form.
      event.preventDefault();
      submit();
    }
    if (event.key !== 'Escape' || onCancel === undefined) return;
    // Ends the naming only, and leaves open what is around it.
    event.preventDefault();
    event.stopPropagation();
    onCancel();
  };
  const field = (
    <input
      ref={isInline ? focusField : undefined}
      id={fieldId}
      aria-label={isInline ? label : undefined}
      aria-invalid={submitted && error !== undefined}
      aria-describedby={errorId}
      value={text}
      maxLength={maxLength}
      autoComplete="off"
      spellCheck={false}
      placeholder={isInline ? label : undefined}
      onChange={(event) => setText(event.target.value)}
      onFocus={(event) => event.target.select()}
      onKeyDown={onKeyDown}
      className={clsx(
        'min-w-0 rounded-md border border-line-strong bg-canvas text-sm placeholder:text-ink-3 aria-invalid:border-error pointer-coarse:h-10',
        isInline ? 'h-8 flex-1 px-2.5' : 'h-9 px-3 font-mono outline-none',
      )}
    />
  );
  const buttons = (
    <>
      {children}
      <Button kind="primary" disabled={trimmed === ''} onClick={submit}>
        {action}
      </Button>
      {isInline ? (
        <Button kind="quiet" onClick={onCancel}>
          {UI_STRINGS.cancel}
        </Button>
      ) : null}
    </>
  );
  const status = (
    <p
      id={errorId}
      role="status"
      className={clsx('text-error text-xs [overflow-wrap:anywhere]', isInline ? 'not-empty:mt-1.5' : 'min-h-5')}
    >
      {submitted || trimmed !== name ? error : undefined}
    </p>
  );
  if (isInline)
    return (
      <div className="flex flex-col">
        <div className="flex items-center gap-1.5">
          {field}
          {buttons}
        </div>
        {status}
      </div>
    );
  return (
    <div className="flex flex-col gap-2">
      <div className="flex flex-col gap-1">
        <label htmlFor={fieldId} className="text-ink-2">
          {label}
        </label>
        {field}
      </div>
      {status}
      <div className="flex items-center justify-end gap-2">{buttons}</div>
    </div>
  );
}

function focusField(field: HTMLInputElement | null): void {
  field?.focus();
}
