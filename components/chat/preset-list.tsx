'use client';

import { Check, MoreHorizontal, Pencil, RefreshCw, Trash2 } from 'lucide-react';
import { type FormEvent, type KeyboardEvent, useId, useMemo, useState } from 'react';
import { Button } from '#components/ui/button';
import { IconButton } from '#components/ui/icon-button';
import { Menu } from '#components/ui/menu';
import { useStored } from '#lib/browser/local-storage';
import { showToast } from '#lib/browser/toasts';
import type { ChatSettings } from './conversation.ts';
import { newId } from './new-id.ts';
import {
  MAX_PRESET_NAME,
  MAX_PRESETS,
  MAX_PRESETS_CHARACTERS,
  type Preset,
  presetsFromText,
  presetsToText,
} from './presets.ts';
import { isSameSettings } from './settings-storage.ts';
import { SETTINGS_STRINGS as S } from './strings/settings.ts';

interface PresetListProps {
  settings: ChatSettings;
  onApply: (preset: Preset) => void;
}

/** Named settings of this browser: apply, save, rename, replace and delete. */
export function PresetList({ settings, onApply }: PresetListProps) {
  const [stored, setStored] = useStored('chat-presets');
  const presets = useMemo(() => presetsFromText(stored), [stored]);
  /** The id of the preset that is being renamed, `new`, or undefined. */
  const [naming, setNaming] = useState<string>();
  const heading = useId();

  /** Returns why the list was not stored. */
  const store = (next: readonly Preset[]): string | undefined => {
    const text = presetsToText(next);
    if (text.length > MAX_PRESETS_CHARACTERS) return S.presetTooLarge;
    setStored(text);
    return undefined;
  };
  const nameError = (name: string, id?: string) =>
    presets.some((other) => other.id !== id && other.name.toLowerCase() === name.toLowerCase())
      ? S.presetNameTaken(name)
      : undefined;
  const put = (preset: Preset) => {
    const isKnown = presets.some(({ id }) => id === preset.id);
    return store(isKnown ? presets.map((old) => (old.id === preset.id ? preset : old)) : [...presets, preset]);
  };
  const undoTo = (before: readonly Preset[]) => ({ label: S.undo, run: () => setStored(presetsToText(before)) });
  const remove = (preset: Preset) => {
    store(presets.filter(({ id }) => id !== preset.id));
    showToast({ id: 'presets', text: S.deleted(preset.name), action: undoTo(presets) });
  };
  const replace = (preset: Preset) => {
    const failure = put({ ...preset, settings });
    if (failure !== undefined) showToast({ text: failure, kind: 'error' });
    else showToast({ id: 'presets', text: S.replaced(preset.name), action: undoTo(presets) });
  };
  const saveNew = (name: string) => {
    const failure = nameError(name) ?? put({ id: newId(), name, settings });
    if (failure === undefined) {
      setNaming(undefined);
      showToast({ id: 'presets', text: S.saved(name), action: undoTo(presets) });
    }
    return failure;
  };
  const rename = (preset: Preset, name: string) => {
    const failure = nameError(name, preset.id) ?? put({ ...preset, name });
    if (failure === undefined) setNaming(undefined);
    return failure;
  };

  return (
    <section aria-labelledby={heading} className="flex flex-col gap-2 border-t pt-4">
      <h3 id={heading} className="font-medium">
        {S.presets}
      </h3>
      {presets.length === 0 ? (
        <p className="text-ink-3 text-xs">{S.presetsEmpty}</p>
      ) : (
        <ul className="-mx-2 flex flex-col">
          {presets.map((preset) =>
            naming === preset.id ? (
              <li key={preset.id} className="px-2 py-1">
                <NameForm
                  initial={preset.name}
                  onCancel={() => setNaming(undefined)}
                  onSave={(name) => rename(preset, name)}
                />
              </li>
            ) : (
              <li key={preset.id} className="flex items-center rounded-md hover:bg-hover">
                <button
                  type="button"
                  aria-label={S.apply(preset.name)}
                  onClick={() => onApply(preset)}
                  className="flex h-9 min-w-0 flex-1 items-center gap-2 rounded-md px-2 text-start pointer-coarse:h-10"
                >
                  <span className="truncate">{preset.name}</span>
                  {isSameSettings(preset.settings, settings) ? (
                    <Check className="size-4 shrink-0 text-accent" aria-hidden />
                  ) : null}
                </button>
                <Menu
                  trigger={
                    <IconButton label={S.more(preset.name)}>
                      <MoreHorizontal className="size-4" aria-hidden />
                    </IconButton>
                  }
                  items={[
                    {
                      label: S.rename,
                      icon: <Pencil className="size-4" aria-hidden />,
                      onSelect: () => setNaming(preset.id),
                    },
                    {
                      label: S.update,
                      icon: <RefreshCw className="size-4" aria-hidden />,
                      onSelect: () => replace(preset),
                    },
                    {
                      label: S.remove,
                      icon: <Trash2 className="size-4" aria-hidden />,
                      danger: true,
                      onSelect: () => remove(preset),
                    },
                  ]}
                />
              </li>
            ),
          )}
        </ul>
      )}
      {naming === 'new' ? (
        <NameForm initial="" onCancel={() => setNaming(undefined)} onSave={saveNew} />
      ) : presets.length >= MAX_PRESETS ? (
        <p className="text-ink-3 text-xs">{S.presetLimit(MAX_PRESETS)}</p>
      ) : (
        <Button className="self-start" size="sm" onClick={() => setNaming('new')}>
          {S.saveAsPreset}
        </Button>
      )}
    </section>
  );
}

interface NameFormProps {
  initial: string;
  /** Returns why the name was not taken. */
  onSave: (name: string) => string | undefined;
  onCancel: () => void;
}

function NameForm({ initial, onSave, onCancel }: NameFormProps) {
  const [name, setName] = useState(initial);
  const [error, setError] = useState<string>();
  const id = useId();
  const save = () => {
    if (name.trim() !== '') setError(onSave(name.trim()));
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Enter' && !event.nativeEvent.isComposing) {
      // The form around it is the one of the settings.
      event.preventDefault();
      save();
    }
    if (event.key !== 'Escape') return;
    // Ends the naming only, and leaves the panel open.
    event.preventDefault();
    event.stopPropagation();
    onCancel();
  };
  const saveByButton = (event: FormEvent) => {
    event.preventDefault();
    save();
  };
  return (
    <div className="flex flex-col gap-1.5">
      <div className="flex items-center gap-1.5">
        <input
          ref={focusAndSelect}
          aria-label={S.presetName}
          aria-invalid={error === undefined ? undefined : true}
          aria-describedby={error === undefined ? undefined : id}
          value={name}
          maxLength={MAX_PRESET_NAME}
          autoComplete="off"
          placeholder={S.presetName}
          onChange={(event) => {
            setName(event.target.value);
            setError(undefined);
          }}
          onKeyDown={onKeyDown}
          className="h-8 min-w-0 flex-1 rounded-md border border-line-strong bg-canvas px-2.5 text-sm placeholder:text-ink-3 aria-invalid:border-error pointer-coarse:h-10"
        />
        <Button kind="primary" disabled={name.trim() === ''} onClick={saveByButton}>
          {S.save}
        </Button>
        <Button kind="quiet" onClick={onCancel}>
          {S.cancel}
        </Button>
      </div>
      {error === undefined ? null : (
        <p id={id} role="alert" className="text-error text-xs [overflow-wrap:anywhere]">
          {error}
        </p>
      )}
    </div>
  );
}

function focusAndSelect(field: HTMLInputElement | null): void {
  field?.focus();
  field?.select();
}
