'use client';

import { Select } from '#components/ui/select';
import type { Think } from '#lib/wire/chat';

const CHOICES: readonly { value: string; label: string; hint: string; think: Think | undefined }[] = [
  { value: 'auto', label: 'Reasoning: auto', hint: 'As the model does by itself', think: undefined },
  { value: 'off', label: 'Reasoning: off', hint: 'Answers at once', think: false },
  { value: 'on', label: 'Reasoning: on', hint: 'Thinks before it answers', think: true },
  { value: 'low', label: 'Reasoning: low', hint: 'A little, where the model knows levels', think: 'low' },
  { value: 'medium', label: 'Reasoning: medium', hint: 'More, where the model knows levels', think: 'medium' },
  { value: 'high', label: 'Reasoning: high', hint: 'As much as it can, where it knows levels', think: 'high' },
];

interface ReasoningSelectProps {
  think: Think | undefined;
  onChange: (think: Think | undefined) => void;
}

/** Whether, and how much, a model with reasoning reasons in this chat. */
export function ReasoningSelect({ think, onChange }: ReasoningSelectProps) {
  const options = CHOICES.map(({ value, label, hint }) => ({ value, label, hint }));
  return (
    <Select
      label="Reasoning of this chat"
      value={CHOICES.find((choice) => choice.think === think)?.value ?? 'auto'}
      options={options}
      onChange={(value) => onChange(CHOICES.find((choice) => choice.value === value)?.think)}
    />
  );
}
