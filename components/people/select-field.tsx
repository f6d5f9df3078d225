'use client';

import type { ReactNode } from 'react';
import type { Option } from '#components/ui/popup-props';
import { Select } from '#components/ui/select';

interface ChoiceFrameProps {
  label: string;
  hint?: string | undefined;
  /** Replaces the hint, and is announced. */
  error?: string | undefined;
  children: ReactNode;
}

interface SelectFieldProps extends Omit<ChoiceFrameProps, 'children'> {
  value: string;
  options: readonly Option[];
  onChange: (value: string) => void;
}

/** The button of a choice in a form. */
export const CHOICE_BUTTON = 'h-10 justify-between border border-line-strong bg-surface font-normal';

/** A choice of one in a form. */
export function SelectField({ label, hint, error, value, options, onChange }: SelectFieldProps) {
  return (
    <ChoiceFrame label={label} hint={hint} error={error}>
      <Select label={label} value={value} options={options} onChange={onChange} className={CHOICE_BUTTON} />
    </ChoiceFrame>
  );
}

/** The caption and the notes of a choice, which has its name itself: it is not read twice. */
export function ChoiceFrame({ label, hint, error, children }: ChoiceFrameProps) {
  return (
    <div className="flex min-w-0 flex-col gap-1.5">
      <span className="font-medium text-sm" aria-hidden>
        {label}
      </span>
      {children}
      {error === undefined ? null : (
        <p role="alert" className="text-error text-xs">
          {error}
        </p>
      )}
      {hint === undefined || error !== undefined ? null : <p className="text-ink-3 text-xs">{hint}</p>}
    </div>
  );
}
