'use client';

import { BrainCog, Eye, EyeOff, MemoryStick, Pencil, Star, Trash2 } from 'lucide-react';
import { RowMenu } from '#components/admin/row-menu';
import type { MenuEntry } from '#components/ui/popup-props';
import { showToast } from '#lib/browser/toasts';
import type { AdminModel, ModelChange } from '#lib/wire/people-admin';
import { attempt } from './attempt.ts';
import { changeModel } from './models-api.ts';
import { SERVER_ADMIN_STRINGS } from './strings/server.ts';

const { models: STRINGS } = SERVER_ADMIN_STRINGS;

interface ModelMenuProps {
  model: AdminModel;
  /** The model that is the default now, if it is in the list. */
  defaultModel: string | undefined;
  /** The environment names the default model. */
  isDefaultLocked: boolean;
  onOpen: (kind: 'edit' | 'delete', model: AdminModel) => void;
  onDone: () => void;
}

/** What can be done with a model. Hiding and a new default are undone with one press. */
export function ModelMenu({ model, defaultModel, isDefaultLocked, onOpen, onDone }: ModelMenuProps) {
  const { id, hidden, loaded, is_default: isDefault } = model;
  const change = async (next: ModelChange, sentence: string, undo?: ModelChange): Promise<void> => {
    const back =
      undo === undefined ? undefined : () => void change(undo, hidden ? STRINGS.nowHidden(id) : STRINGS.nowShown(id));
    await attempt(() => changeModel(id, next), sentence, back);
    onDone();
  };
  const makeDefault = async (name: string, before: string | undefined): Promise<void> => {
    const back = before === undefined ? undefined : () => void makeDefault(before, undefined);
    await attempt(() => changeModel(name, { is_default: true }), STRINGS.nowDefault(name), back);
    onDone();
  };
  const load: MenuEntry = {
    label: STRINGS.load,
    icon: <BrainCog className="size-4" aria-hidden />,
    onSelect: () => {
      showToast({ id: `load ${id}`, text: STRINGS.loading(id) });
      void change({ loaded: true }, STRINGS.nowLoaded(id));
    },
  };
  const unload: MenuEntry = {
    label: STRINGS.unload,
    icon: <MemoryStick className="size-4" aria-hidden />,
    onSelect: () => void change({ loaded: false }, STRINGS.nowUnloaded(id)),
  };
  const items: MenuEntry[] = [
    { label: STRINGS.edit, icon: <Pencil className="size-4" aria-hidden />, onSelect: () => onOpen('edit', model) },
    ...(loaded ? (model.can_unload ? [unload] : []) : [load]),
    ...(isDefault || isDefaultLocked || hidden
      ? []
      : [
          {
            label: STRINGS.makeDefault,
            icon: <Star className="size-4" aria-hidden />,
            onSelect: () => void makeDefault(id, defaultModel),
          },
        ]),
    ...(isDefault
      ? []
      : [
          {
            label: hidden ? STRINGS.show : STRINGS.hide,
            icon: hidden ? <Eye className="size-4" aria-hidden /> : <EyeOff className="size-4" aria-hidden />,
            onSelect: () =>
              void change({ hidden: !hidden }, hidden ? STRINGS.nowShown(id) : STRINGS.nowHidden(id), { hidden }),
          },
        ]),
    ...(model.can_delete
      ? [
          {
            label: STRINGS.remove,
            icon: <Trash2 className="size-4" aria-hidden />,
            danger: true,
            onSelect: () => onOpen('delete', model),
          },
        ]
      : []),
  ];
  return <RowMenu name={id} items={items} />;
}
