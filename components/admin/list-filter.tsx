'use client';

import { Search } from 'lucide-react';
import { FIELD_INPUT } from '#components/people/field';
import type { Option } from '#components/ui/popup-props';
import { Select } from '#components/ui/select';

/** Controls above a list that limit what it shows. All have one height and one border. */

const HEIGHT = 'h-8 pointer-coarse:h-10';

interface SearchFilterProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
}

/** A text that is searched for. */
export function SearchFilter({ label, value, onChange }: SearchFilterProps) {
  return (
    <search className="relative min-w-[min(14rem,100%)] flex-1">
      <Search className="pointer-events-none absolute start-3 top-1/2 size-4 -translate-y-1/2 text-ink-3" aria-hidden />
      <input
        type="search"
        aria-label={label}
        placeholder={label}
        autoComplete="off"
        spellCheck={false}
        maxLength={200}
        value={value}
        onChange={(event) => onChange(event.target.value)}
        className={`${FIELD_INPUT} ${HEIGHT} ps-9!`}
      />
    </search>
  );
}

interface ChoiceFilterProps {
  label: string;
  value: string;
  options: readonly Option[];
  onChange: (value: string) => void;
}

/** One of a few, or all. */
export function ChoiceFilter(props: ChoiceFilterProps) {
  return <Select {...props} className="max-w-48 border border-line-strong bg-surface font-normal" />;
}

interface DayFilterProps {
  label: string;
  /** `2026-11-29`, or empty. */
  value: string;
  min?: string;
  max?: string;
  onChange: (value: string) => void;
}

/** A first or a last day. */
export function DayFilter({ label, value, min, max, onChange }: DayFilterProps) {
  return (
    <label className="flex items-center gap-1.5 text-ink-2 text-sm">
      {label}
      <input
        type="date"
        value={value}
        min={min}
        max={max}
        onChange={(event) => onChange(event.target.value)}
        className={`${FIELD_INPUT} ${HEIGHT} w-36! px-2! text-ink tabular`}
      />
    </label>
  );
}
