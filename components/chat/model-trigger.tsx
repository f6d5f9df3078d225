import clsx from 'clsx';
import { SELECT_TRIGGER } from '#components/ui/popup-props';
import type { Models } from '#lib/wire/models';
import { modelByName } from './model-capabilities.ts';
import { MODEL_STRINGS as S } from './strings/models.ts';

export interface ModelPickerProps {
  /** Null: the server's default. */
  chosen: string | null;
  onChoose: (model: string) => void;
}

export const MODEL_TRIGGER = clsx(SELECT_TRIGGER, 'max-w-[min(24rem,60vw)]');

/** The name of the chosen model, marked if the server does not have it. */
export function ChosenModel({ models, chosen }: { models: Models; chosen: string | null }) {
  const model = modelByName(models, chosen);
  if (model !== undefined) return <span className="truncate">{model.display_name ?? model.id}</span>;
  return (
    <>
      <span className="truncate text-ink-2">{chosen ?? models.default_model}</span>
      <span className="shrink-0 rounded-sm bg-warn-soft px-1.5 font-normal text-warn text-xs leading-5">
        {S.notAvailable}
      </span>
    </>
  );
}
