'use client';

import { Select } from '#components/ui/select';
import { formatBytes } from '#lib/browser/format';
import { useModels } from '#lib/browser/service-status';
import type { ModelInfo } from '#lib/wire/models';

interface ModelPickerProps {
  /** Null: the server's default. */
  chosen: string | null;
  onChoose: (model: string) => void;
}

export function ModelPicker({ chosen, onChoose }: ModelPickerProps) {
  const { data, error } = useModels();
  if (data === undefined)
    return error === undefined ? (
      <span className="skeleton ms-2 h-5 w-36" />
    ) : (
      <span className="px-2.5 text-ink-2 text-sm">No model list</span>
    );
  const value = chosen ?? data.default_model;
  const listed = data.models.map((model) => ({ value: model.id, label: model.id, hint: describe(model) }));
  const options = listed.some((option) => option.value === value)
    ? listed
    : [{ value, label: value, hint: 'Not installed here' }, ...listed];
  return (
    <Select label="Model" value={value} options={options} onChange={onChoose} className="max-w-[min(20rem,60vw)]" />
  );
}

function describe(model: ModelInfo): string {
  const capabilities = [
    model.capabilities.thinking ? 'reasons' : '',
    model.capabilities.vision ? 'sees images' : '',
    model.capabilities.tools ? 'uses tools' : '',
  ];
  return [
    model.provider === 'embedded' ? 'built in' : '',
    model.parameter_size === null ? '' : `${model.parameter_size} parameters`,
    model.size_bytes === null ? '' : formatBytes(model.size_bytes),
    ...capabilities,
    model.loaded ? 'loaded' : '',
  ]
    .filter((part) => part !== '')
    .join(' · ');
}
