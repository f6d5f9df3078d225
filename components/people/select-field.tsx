'use client';

import type { Option } from '#components/ui/popup-props';
import { Select } from '#components/ui/select';

interface SelectFieldProps {
  label: string;
  hint?: string | undefined;
  /** Replaces the hint, and is announced. */
  error?: string | undefined;
  value: string;
  options: readonly Option[];
  onChange: (value: string) => void;
}

/** A choice of one in a form. The list has its name, so the caption is not read twice. */
export function SelectField({ label, hint, error, value, options, onChange }: SelectFieldProps) {
  return (
    <div className="flex min-w-0 flex-col gap-1.5">
      <span className="font-medium text-sm" aria-hidden>
        {label}
      </span>
      <Select
        label={label}
        value={value}
        options={options}
        onChange={onChange}
        className="h-10 justify-between border border-line-strong bg-surface font-normal"
      />
      {error === undefined ? null : (
        <p role="alert" className="text-error text-xs">
          {error}
        </p>
      )}
      {hint === undefined || error !== undefined ? null : <p className="text-ink-3 text-xs">{hint}</p>}
    </div>
  );
}
