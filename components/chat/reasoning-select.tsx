'use client';

import { Brain } from 'lucide-react';
import { Select } from '#components/ui/select';
import type { Think } from '#lib/wire/chat';
import type { ThinkingMode } from './model-capabilities.ts';
import { MODEL_STRINGS as S } from './strings/models.ts';

const AUTO = 'auto';

const MODES: Record<ThinkingMode, { label: string; shown: string; think: Think }> = {
  off: { label: S.thinkingOff, shown: S.thinkingIs('off'), think: false },
  on: { label: S.thinkingOn, shown: S.thinkingIs('on'), think: true },
  low: { label: S.thinkingLow, shown: S.thinkingIs('low'), think: 'low' },
  medium: { label: S.thinkingMedium, shown: S.thinkingIs('medium'), think: 'medium' },
  high: { label: S.thinkingHigh, shown: S.thinkingIs('high'), think: 'high' },
};

interface ReasoningSelectProps {
  /** The modes that the model has. */
  modes: readonly ThinkingMode[];
  think: Think | undefined;
  /** The word "Thinking" stands next to the list. */
  hasHeading?: boolean;
  onChange: (think: Think | undefined) => void;
}

/** Whether, and how much, the model reasons in this chat. */
export function ReasoningSelect({ modes, think, hasHeading = false, onChange }: ReasoningSelectProps) {
  const options = [
    { value: AUTO, label: S.thinkingAuto, shown: hasHeading ? undefined : S.thinkingIs('default') },
    ...modes.map((mode) => {
      const { label, shown } = MODES[mode];
      return { value: mode, label, shown: hasHeading ? undefined : shown };
    }),
  ];
  return (
    <Select
      label={S.thinking}
      value={shownMode(modes, think) ?? AUTO}
      options={options}
      icon={<Brain className="size-4 shrink-0 text-ink-2" strokeWidth={1.75} aria-hidden />}
      onChange={(value) => {
        const mode = modes.find((known) => known === value);
        onChange(mode === undefined ? undefined : MODES[mode].think);
      }}
    />
  );
}

/** A level that was chosen for another model shows as what it is for one without levels. */
function shownMode(modes: readonly ThinkingMode[], think: Think | undefined): ThinkingMode | undefined {
  const own = modes.find((mode) => MODES[mode].think === think);
  return own ?? (typeof think === 'string' && modes.includes('on') ? 'on' : undefined);
}
