'use client';

import { Combobox } from '@base-ui/react/combobox';
import clsx from 'clsx';
import { Check, ChevronDown, Search } from 'lucide-react';
import { useState } from 'react';
import { ChosenModel, MODEL_TRIGGER, type ModelPickerProps } from '#components/chat/model-trigger';
import { POPUP, POPUP_ITEM } from '#components/ui/popup-props';
import type { ModelInfo, Models } from '#lib/wire/models';
import { modelByName } from './model-capabilities.ts';
import { describeModel, matchesModel } from './model-description.ts';
import { serverNames } from './model-servers.ts';
import { MODEL_STRINGS as S } from './strings/models.ts';

interface ModelPickerPopupProps extends ModelPickerProps {
  models: Models;
}

/** The list of models with a search field, open from its first render. */
export function ModelPickerPopup({ models, chosen, onChoose }: ModelPickerPopupProps) {
  const [query, setQuery] = useState('');
  const hasProviders = new Set(models.models.map(({ provider }) => provider)).size > 1;
  const servers = serverNames(models);
  return (
    <Combobox.Root<ModelInfo>
      items={models.models}
      value={modelByName(models, chosen) ?? null}
      defaultOpen
      autoHighlight
      filter={matchesModel}
      inputValue={query}
      onInputValueChange={setQuery}
      itemToStringLabel={({ id }) => id}
      isItemEqualToValue={(a, b) => a.id === b.id && a.provider === b.provider}
      onOpenChangeComplete={(isOpen) => {
        if (!isOpen) setQuery('');
      }}
      onValueChange={(next) => {
        if (next !== null) onChoose(next.id);
      }}
    >
      <Combobox.Trigger aria-label={S.model} className={MODEL_TRIGGER}>
        <ChosenModel models={models} chosen={chosen} />
        <ChevronDown className="size-3.5 shrink-0 text-ink-3" aria-hidden />
      </Combobox.Trigger>
      <Combobox.Portal>
        <Combobox.Positioner align="start" sideOffset={6} collisionPadding={8} className="z-70 outline-none">
          <Combobox.Popup
            aria-label={S.model}
            className={clsx(POPUP, 'flex max-h-[min(28rem,var(--available-height))] w-[28rem] flex-col')}
          >
            <div className="mb-1 flex shrink-0 items-center gap-2 border-b px-2.5 pb-1">
              <Search className="size-4 shrink-0 text-ink-3" aria-hidden />
              <Combobox.Input
                aria-label={S.search}
                placeholder={S.search}
                className="h-8 min-w-0 flex-1 bg-transparent text-sm outline-none placeholder:text-ink-3 pointer-coarse:h-10"
              />
            </div>
            <Combobox.Empty className="px-2.5 text-ink-2 text-sm not-empty:py-3 [overflow-wrap:anywhere]">
              {models.models.length === 0 ? S.noModels : S.noMatch(query)}
            </Combobox.Empty>
            <Combobox.List className="scroller min-h-0 flex-1 scroll-py-1 outline-none">
              {(model: ModelInfo) => (
                <Combobox.Item key={`${model.provider}/${model.id}`} value={model} className={POPUP_ITEM}>
                  <span className="min-w-0 grow">
                    <span className="flex items-center gap-2">
                      <span className="truncate font-medium">{model.display_name ?? model.id}</span>
                      {model.loaded ? (
                        <span className="flex shrink-0 items-center gap-1.5 text-good text-xs">
                          <span className="size-1.5 rounded-full bg-good forced-colors:bg-[CanvasText]" aria-hidden />
                          {S.loaded}
                        </span>
                      ) : null}
                    </span>
                    <span className="block text-ink-3 text-xs [overflow-wrap:anywhere]">
                      {describeModel(model, hasProviders, servers)}
                    </span>
                  </span>
                  <Combobox.ItemIndicator>
                    <Check className="size-4 text-accent" aria-hidden />
                  </Combobox.ItemIndicator>
                </Combobox.Item>
              )}
            </Combobox.List>
          </Combobox.Popup>
        </Combobox.Positioner>
      </Combobox.Portal>
    </Combobox.Root>
  );
}
