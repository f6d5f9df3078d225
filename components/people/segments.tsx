'use client';

import clsx from 'clsx';

interface SegmentsProps<Value extends string> {
  label: string;
  value: Value;
  options: readonly Value[];
  names: Record<Value, string>;
  onChange: (value: Value) => void;
}

/** A choice of a few, side by side. */
export function Segments<Value extends string>({ label, value, options, names, onChange }: SegmentsProps<Value>) {
  return (
    <fieldset aria-label={label} className="flex max-w-full flex-wrap rounded-md border bg-surface p-0.5">
      {options.map((each) => (
        <button
          key={each}
          type="button"
          aria-pressed={each === value}
          onClick={() => onChange(each)}
          className={clsx(
            'h-7 rounded-sm px-2.5 font-medium text-xs tabular transition-colors pointer-coarse:h-10 pointer-coarse:min-w-12',
            each === value ? 'bg-pressed text-ink' : 'text-ink-2 hover:bg-hover hover:text-ink',
          )}
        >
          {names[each]}
        </button>
      ))}
    </fieldset>
  );
}
