'use client';

import { Check, MoreHorizontal, Pencil, RefreshCw, Trash2 } from 'lucide-react';
import { type FormEvent, type KeyboardEvent, useId, useMemo, useState } from 'react';
import { Button } from '#components/ui/button';
import { IconButton } from '#components/ui/icon-button';
import { Menu } from '#components/ui/menu';
import { readShared, useStored, writeShared } from '#lib/browser/local-storage';
import { newId } from '#lib/browser/new-id';
import { showToast } from '#lib/browser/toasts';
import type { ChatSettings } from './conversation.ts';
import {
  MAX_PRESET_NAME,
  MAX_PRESETS,
  MAX_PRESETS_CHARACTERS,
  type Preset,
  presetsFromText,
  presetsToText,
  withoutPreset,
  withPreset,
  withSettings,
} from './presets.ts';
import { isSameSettings } from './settings-storage.ts';
import { SETTINGS_STRINGS as S } from './strings/settings.ts';

const PRESETS_KEY = 'chat-presets';

/** Another tab may have changed the list since it was drawn. */
const newestPresets = () => presetsFromText(readShared(PRESETS_KEY));

interface PresetListProps {
  settings: ChatSettings;
  onApply: (preset: Preset) => void;
}

/** Named settings of this browser: apply, save, rename, replace and delete. */
export function PresetList({ settings, onApply }: PresetListProps) {
  const [stored, setStored] = useStored(PRESETS_KEY, writeShared, readShared);
  const presets = useMemo(() => presetsFromText(stored), [stored]);
  /** The id of the preset that is being renamed, `new`, or undefined. */
  const [naming, setNaming] = useState<string>();
  const heading = useId();

  /** Changes the newest list of all tabs. Returns why it was not stored. */
  const change = (next: (presets: readonly Preset[]) => readonly Preset[]): string | undefined => {
    const changed = next(newestPresets());
    const text = presetsToText(changed);
    if (changed.length > MAX_PRESETS) return S.presetLimit(MAX_PRESETS);
    if (text.length > MAX_PRESETS_CHARACTERS) return S.presetTooLarge;
    setStored(text);
    return undefined;
  };
  const nameError = (name: string, id?: string) =>
    newestPresets().some((other) => other.id !== id && other.name.toLowerCase() === name.toLowerCase())
      ? S.presetNameTaken(name)
      : undefined;
  const showFailure = (failure: string | undefined) => {
    if (failure !== undefined) showToast({ text: failure, kind: 'error' });
  };
  /** Undoes the last change of this one preset. */
  const offerUndo = (id: string, text: string, undo: (presets: readonly Preset[]) => readonly Preset[]) =>
    showToast({ id: `preset:${id}`, text, action: { label: S.undo, run: () => showFailure(change(undo)) } });
  const remove = ({ id, name }: Preset) => {
    const before = newestPresets();
    const index = before.findIndex((preset) => preset.id === id);
    const removed = before[index];
    if (removed === undefined) return;
    change((now) => withoutPreset(now, id));
    offerUndo(id, S.deleted(name), (now) => withPreset(now, removed, index));
  };
  const replace = ({ id, name }: Preset) => {
    const before = newestPresets().find((preset) => preset.id === id);
    if (before === undefined) return;
    const failure = change((now) => withSettings(now, id, settings));
    showFailure(failure);
    if (failure === undefined) offerUndo(id, S.replaced(name), (now) => withSettings(now, id, before.settings));
  };
  const saveNew = (name: string) => {
    const id = newId();
    const failure = nameError(name) ?? change((now) => withPreset(now, { id, name, settings }));
    if (failure === undefined) {
      setNaming(undefined);
      offerUndo(id, S.saved(name), (now) => withoutPreset(now, id));
    }
    return failure;
  };
  const rename = ({ id }: Preset, name: string) => {
    const failure =
      nameError(name, id) ?? change((now) => now.map((preset) => (preset.id === id ? { ...preset, name } : preset)));
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
