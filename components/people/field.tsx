'use client';

import clsx from 'clsx';
import { type ComponentProps, type ReactNode, useId } from 'react';
import { PEOPLE_STRINGS as STRINGS } from './strings.ts';

export const FIELD_INPUT =
  'w-full min-w-0 rounded-md border border-line-strong bg-surface px-3 text-sm placeholder:text-ink-3 aria-invalid:border-error disabled:opacity-60';

interface FieldProps {
  label: string;
  /** One line below the field. */
  hint?: string | undefined;
  /** Replaces the hint, and is announced. */
  error?: string | undefined;
  isOptional?: boolean;
  children: (props: { id: string; 'aria-describedby': string; 'aria-invalid': boolean }) => ReactNode;
}

/** A labelled field with a hint or an error below it. */
export function Field({ label, hint, error, isOptional = false, children }: FieldProps) {
  const id = useId();
  const noteId = useId();
  return (
    <div className="flex min-w-0 flex-col gap-1.5">
      <label htmlFor={id} className="font-medium text-sm">
        {label}
        {isOptional ? <span className="font-normal text-ink-3"> ({STRINGS.optional})</span> : null}
      </label>
      {children({ id, 'aria-describedby': noteId, 'aria-invalid': error !== undefined })}
      <p
        id={noteId}
        role={error === undefined ? undefined : 'alert'}
        className={clsx(
          'text-xs [overflow-wrap:anywhere] empty:hidden',
          error === undefined ? 'text-ink-3' : 'text-error',
        )}
      >
        {error ?? hint}
      </p>
    </div>
  );
}

interface TextFieldProps extends Omit<ComponentProps<'input'>, 'onChange' | 'value' | 'id'> {
  label: string;
  hint?: string | undefined;
  error?: string | undefined;
  isOptional?: boolean;
  value: string;
  onChange: (value: string) => void;
}

/** One line of text. */
export function TextField({ label, hint, error, isOptional, value, onChange, className, ...input }: TextFieldProps) {
  return (
    <Field label={label} hint={hint} error={error} {...(isOptional === undefined ? {} : { isOptional })}>
      {(props) => (
        <input
          type="text"
          {...input}
          {...props}
          value={value}
          onChange={(event) => onChange(event.target.value)}
          className={clsx(FIELD_INPUT, 'h-10', className)}
        />
      )}
    </Field>
  );
}

interface TextAreaFieldProps extends Omit<ComponentProps<'textarea'>, 'onChange' | 'value' | 'id'> {
  label: string;
  hint?: string | undefined;
  error?: string | undefined;
  value: string;
  onChange: (value: string) => void;
}

/** Several lines of text. */
export function TextAreaField({ label, hint, error, value, onChange, className, ...area }: TextAreaFieldProps) {
  return (
    <Field label={label} hint={hint} error={error}>
      {(props) => (
        <textarea
          rows={3}
          dir="auto"
          {...area}
          {...props}
          value={value}
          onChange={(event) => onChange(event.target.value)}
          className={clsx(
            FIELD_INPUT,
            'field-sizing-content max-h-[40dvh] min-h-20 resize-y py-2 leading-5',
            className,
          )}
        />
      )}
    </Field>
  );
}

interface CheckboxFieldProps {
  label: string;
  hint?: string | undefined;
  checked: boolean;
  disabled?: boolean;
  onChange: (checked: boolean) => void;
}

/** A box to tick, with all of its label as the target. */
export function CheckboxField({ label, hint, checked, disabled = false, onChange }: CheckboxFieldProps) {
  return (
    <label className="flex min-h-8 min-w-0 items-start gap-2.5 py-1.5 text-sm pointer-coarse:min-h-10 pointer-coarse:py-2.5">
      <input
        type="checkbox"
        checked={checked}
        disabled={disabled}
        onChange={(event) => onChange(event.target.checked)}
        className="mt-0.5 size-4 shrink-0 accent-accent"
      />
      <span className="min-w-0">
        <span className="[overflow-wrap:anywhere]">{label}</span>
        {hint === undefined ? null : <span className="block text-ink-3 text-xs">{hint}</span>}
      </span>
    </label>
  );
}

/** Several boxes or choices under one caption. */
export function FieldGroup({
  label,
  error,
  children,
}: {
  label: string;
  error?: string | undefined;
  children: ReactNode;
}) {
  return (
    <fieldset className="min-w-0">
      <legend className="mb-0.5 font-medium text-sm">{label}</legend>
      {children}
      {error === undefined ? null : (
        <p role="alert" className="text-error text-xs">
          {error}
        </p>
      )}
    </fieldset>
  );
}
