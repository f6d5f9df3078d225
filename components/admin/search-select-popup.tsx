'use client';

import { Combobox } from '@base-ui/react/combobox';
import clsx from 'clsx';
import { Check, ChevronDown, Search } from 'lucide-react';
import { useState } from 'react';
import useSWR from 'swr';
import { type Option, POPUP, POPUP_ITEM, SELECT_TRIGGER } from '#components/ui/popup-props';
import { failureSentence } from '../people/people-api.ts';
import { PEOPLE_STRINGS } from '../people/strings.ts';
import type { SearchSelectProps } from './search-source.ts';
import { ADMIN_STRINGS as STRINGS } from './strings/frame.ts';
import { useSettled } from './use-settled.ts';

/** As many as a person reads. More are searched for. */
const MOST_SHOWN = 50;

/** The list with its search field, open from its first render. */
export function SearchSelectPopup({ label, shown, value, fixed, source, onChange, className }: SearchSelectProps) {
  const [words, setWords] = useState('');
  const wanted = useSettled(words.trim());
  const { data, error } = useSWR(source.path(wanted, MOST_SHOWN), source.fetch, { keepPreviousData: true });
  const found = data?.options ?? [];
  const items = words.trim() === '' ? [...fixed, ...found] : found;
  return (
    <Combobox.Root<Option>
      items={items}
      value={items.find((option) => option.value === value) ?? { value, label: shown }}
      defaultOpen
      autoHighlight
      // The server has filtered them.
      filter={null}
      inputValue={words}
      onInputValueChange={setWords}
      itemToStringLabel={(option) => option.label}
      isItemEqualToValue={(a, b) => a.value === b.value}
      onOpenChangeComplete={(isOpen) => {
        if (!isOpen) setWords('');
      }}
      onValueChange={(next) => {
        if (next !== null) onChange(next);
      }}
    >
      <Combobox.Trigger aria-label={label} className={clsx(SELECT_TRIGGER, className)}>
        <span className="truncate">{shown}</span>
        <ChevronDown className="size-3.5 shrink-0 text-ink-3" aria-hidden />
      </Combobox.Trigger>
      <Combobox.Portal>
        <Combobox.Positioner align="start" sideOffset={6} collisionPadding={8} className="z-70 outline-none">
          <Combobox.Popup
            aria-label={label}
            className={clsx(POPUP, 'flex max-h-[min(24rem,var(--available-height))] w-72 flex-col')}
          >
            <div className="mb-1 flex shrink-0 items-center gap-2 border-b px-2.5 pb-1">
              <Search className="size-4 shrink-0 text-ink-3" aria-hidden />
              <Combobox.Input
                aria-label={STRINGS.search}
                placeholder={STRINGS.search}
                maxLength={200}
                className="h-8 min-w-0 flex-1 bg-transparent text-sm outline-none placeholder:text-ink-3 pointer-coarse:h-10"
              />
            </div>
            <Combobox.Empty className="px-2.5 text-ink-2 text-sm not-empty:py-3 [overflow-wrap:anywhere]">
              {error === undefined
                ? data === undefined
                  ? PEOPLE_STRINGS.loading
                  : STRINGS.noneFound
                : failureSentence(error)}
            </Combobox.Empty>
            <Combobox.List className="scroller min-h-0 flex-1 scroll-py-1 outline-none">
              {(option: Option) => (
                <Combobox.Item key={option.value} value={option} className={POPUP_ITEM}>
                  <span className="min-w-0 grow">
                    <span className="block truncate">{option.label}</span>
                    {option.hint === undefined ? null : (
                      <span className="block truncate text-ink-3 text-xs">{option.hint}</span>
                    )}
                  </span>
                  <Combobox.ItemIndicator>
                    <Check className="size-4 text-accent" aria-hidden />
                  </Combobox.ItemIndicator>
                </Combobox.Item>
              )}
            </Combobox.List>
            {data?.hasMore === true ? (
              <p className="shrink-0 border-t px-2.5 pt-1.5 pb-1 text-ink-3 text-xs">{STRINGS.moreFound}</p>
            ) : null}
          </Combobox.Popup>
        </Combobox.Positioner>
      </Combobox.Portal>
    </Combobox.Root>
  );
}
