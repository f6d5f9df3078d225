'use client';

import { useState } from 'react';
import { TextField } from '#components/people/field';
import type { LimitName } from '#lib/wire/limits';
import type { LimitState } from '#lib/wire/people';
import { type KeyLimitTexts, ownLimit } from './key-limits.ts';
import { LIMITS } from './limit-list.ts';
import { PEOPLE_STRINGS } from './strings.ts';

const { keys: STRINGS, limits: LIMIT_STRINGS } = PEOPLE_STRINGS;

interface KeyLimitFieldsProps {
  texts: KeyLimitTexts;
  wrong: Partial<Record<LimitName, string>>;
  /** Those of the person whose key it is; empty for a service key. */
  own: readonly LimitState[];
  onChange: (texts: KeyLimitTexts) => void;
}

/** The limits of a new key, folded because most keys have none. */
export function KeyLimitFields({ texts, wrong, own, onChange }: KeyLimitFieldsProps) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details
      open={isOpen || Object.keys(wrong).length > 0}
      onToggle={({ currentTarget }) => setOpen(currentTarget.open)}
    >
      <summary className="flex min-h-8 w-fit cursor-pointer items-center rounded-sm font-medium text-sm pointer-coarse:min-h-10">
        {STRINGS.limits}
      </summary>
      <p className="mb-3 text-ink-3 text-xs">{own.length === 0 ? STRINGS.limitsHint : STRINGS.ownLimitsHint}</p>
      <KeyLimitInputs texts={texts} wrong={wrong} own={own} onChange={onChange} />
    </details>
  );
}

/** A field for each limit of a key. */
export function KeyLimitInputs({ texts, wrong, own, onChange }: KeyLimitFieldsProps) {
  return (
    <div className="flex flex-col gap-3">
      {LIMITS.map(({ name }) => {
        const most = ownLimit(name, own);
        const unit = LIMIT_STRINGS.unit(name);
        return (
          <TextField
            key={name}
            label={LIMIT_STRINGS.label(name)}
            hint={most === undefined ? unit : STRINGS.mostLimit(most, unit)}
            error={wrong[name]}
            isOptional
            inputMode="numeric"
            autoComplete="off"
            maxLength={20}
            value={texts[name] ?? ''}
            onChange={(text) => onChange({ ...texts, [name]: text })}
            className="tabular"
          />
        );
      })}
    </div>
  );
}
