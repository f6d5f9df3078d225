'use client';

import { ChevronDown } from 'lucide-react';
import { type KeyboardEvent, useState } from 'react';
import { ChosenModel, MODEL_TRIGGER, type ModelPickerProps } from '#components/chat/model-trigger';
import { loadable, useLoaded } from '#lib/browser/loadable';
import { useModels } from '#lib/browser/service-status';
import type { Models } from '#lib/wire/models';
import { MODEL_STRINGS as S } from './strings/models.ts';

const popup = loadable(() => import('./model-picker-popup.tsx').then(({ ModelPickerPopup }) => ModelPickerPopup));

/** The choice of a model. The list's code is loaded when a pointer or the focus reaches it. */
export function ModelPicker({ chosen, onChoose }: ModelPickerProps) {
  const { data, error } = useModels();
  const [wanted, setWanted] = useState(false);
  const isThere = useLoaded(wanted, popup);
  if (data === undefined)
    return error === undefined ? (
      <span role="status" aria-label={S.loading} className="skeleton ms-2 h-5 w-36" />
    ) : (
      <span className="px-2.5 text-ink-2 text-sm">{S.unavailable}</span>
    );
  return isThere ? (
    <popup.Component models={data} chosen={chosen} onChoose={onChoose} />
  ) : (
    <Closed models={data} chosen={chosen} onOpen={() => setWanted(true)} />
  );
}

interface ClosedProps {
  models: Models;
  chosen: string | null;
  onOpen: () => void;
}

function Closed({ models, chosen, onOpen }: ClosedProps) {
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
    event.preventDefault();
    onOpen();
  };
  return (
    <button
      type="button"
      role="combobox"
      aria-label={S.model}
      aria-expanded={false}
      aria-haspopup="dialog"
      onClick={onOpen}
      onKeyDown={onKeyDown}
      onPointerEnter={popup.preload}
      onFocus={popup.preload}
      className={MODEL_TRIGGER}
    >
      <ChosenModel models={models} chosen={chosen} />
      <ChevronDown className="size-3.5 shrink-0 text-ink-3" aria-hidden />
    </button>
  );
}
