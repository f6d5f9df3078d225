'use client';

import { useState } from 'react';
import { ChosenModel, MODEL_TRIGGER, type ModelPickerProps } from '#components/chat/model-trigger';
import { ComboboxTrigger } from '#components/ui/combobox-trigger';
import { loadable, useLoaded } from '#lib/browser/loadable';
import { useModels } from '#lib/browser/service-status';
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
    <ComboboxTrigger
      label={S.model}
      popupRole="dialog"
      className={MODEL_TRIGGER}
      onPreload={popup.preload}
      onOpen={() => setWanted(true)}
    >
      <ChosenModel models={data} chosen={chosen} />
    </ComboboxTrigger>
  );
}
