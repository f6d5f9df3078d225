'use client';

import { Check, MoreHorizontal, Pencil, RefreshCw, Trash2 } from 'lucide-react';
import { useId, useMemo, useState } from 'react';
import { Button } from '#components/ui/button';
import { IconButton } from '#components/ui/icon-button';
import { Menu } from '#components/ui/menu';
import { NameForm } from '#components/ui/name-form';
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
  const endNaming = () => setNaming(undefined);

  /** Changes the newest list of all tabs. Returns why it was not stored. */
  const change = (next: (presets: readonly Preset[]) => readonly Preset[]): string | undefined => {
    const changed = next(newestPresets());
    const failure = limitError(changed);
    if (failure === undefined) setStored(presetsToText(changed));
    return failure;
  };
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
    const failure = change((now) => withPreset(now, { id, name, settings }));
    showFailure(failure);
    if (failure === undefined) offerUndo(id, S.saved(name), (now) => withoutPreset(now, id));
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
                  name={preset.name}
                  label={S.presetName}
                  action={S.save}
                  maxLength={MAX_PRESET_NAME}
                  errorOf={(name) => renameError(preset, name)}
                  onName={(name) => showFailure(change((now) => withName(now, preset.id, name)))}
                  onDone={endNaming}
                  onCancel={endNaming}
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
        <NameForm
          name=""
          label={S.presetName}
          action={S.save}
          maxLength={MAX_PRESET_NAME}
          errorOf={(name) => newNameError(name, settings)}
          onName={saveNew}
          onDone={endNaming}
          onCancel={endNaming}
        />
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

function limitError(presets: readonly Preset[]): string | undefined {
  if (presets.length > MAX_PRESETS) return S.presetLimit(MAX_PRESETS);
  return presetsToText(presets).length > MAX_PRESETS_CHARACTERS ? S.presetTooLarge : undefined;
}

function nameError(name: string, id?: string): string | undefined {
  if (name === '') return S.presetNameMissing;
  const isTaken = newestPresets().some((other) => other.id !== id && other.name.toLowerCase() === name.toLowerCase());
  return isTaken ? S.presetNameTaken(name) : undefined;
}

function newNameError(name: string, settings: ChatSettings): string | undefined {
  return nameError(name) ?? limitError(withPreset(newestPresets(), { id: '', name, settings }));
}

function renameError({ id }: Preset, name: string): string | undefined {
  return nameError(name, id) ?? limitError(withName(newestPresets(), id, name));
}

const withName = (presets: readonly Preset[], id: string, name: string) =>
  presets.map((preset) => (preset.id === id ? { ...preset, name } : preset));
