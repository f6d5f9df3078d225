'use client';

import { useState } from 'react';
import { FormSubmit } from '#components/people/form-submit';
import { KeyLimitInputs } from '#components/people/key-limit-fields';
import { Dialog } from '#components/ui/dialog';
import { showToast } from '#lib/browser/toasts';
import type { KeyLimits, LimitName } from '#lib/wire/limits';
import type { AccessKey, LimitState } from '#lib/wire/people';
import { keyLimitChanges, readKeyLimits, textsOfKey } from '../people/key-limits.ts';
import { changeKeyLimits, failureSentence } from '../people/people-api.ts';
import { PEOPLE_STRINGS } from '../people/strings.ts';
import { useSubmit } from '../people/use-submit.ts';

const { keys: STRINGS } = PEOPLE_STRINGS;
const NO_LIMITS: KeyLimits = {};

interface KeyLimitsDialogProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  accessKey: AccessKey;
  /** Of the person whose key it is. A key's limits are not above them. */
  own: readonly LimitState[];
  /** Loads the keys again. */
  onChange: () => void;
}

/** Sets, changes and removes the limits of an own key. One press takes it back. */
export function KeyLimitsDialog({ open, onOpenChange, accessKey, own, onChange }: KeyLimitsDialogProps) {
  const { id, name, limits } = accessKey;
  const before = limits ?? NO_LIMITS;
  const undo = async (after: KeyLimits) => {
    try {
      await changeKeyLimits(id, keyLimitChanges(after, before));
      showToast({ text: STRINGS.limitsUndone(name) });
    } catch (error) {
      showToast({ kind: 'error', text: failureSentence(error) });
    }
    onChange();
  };
  const save = async (after: KeyLimits) => {
    const changes = keyLimitChanges(before, after);
    if (Object.keys(changes).length > 0) {
      await changeKeyLimits(id, changes);
      const action = { label: PEOPLE_STRINGS.undo, run: () => void undo(after) };
      showToast({ text: STRINGS.limitsSaved(name), action });
      onChange();
    }
    onOpenChange(false);
  };
  return (
    <Dialog open={open} onOpenChange={onOpenChange} title={STRINGS.limitsOf(name)}>
      <LimitsForm key={id} before={before} own={own} onSave={save} />
    </Dialog>
  );
}

interface LimitsFormProps {
  before: KeyLimits;
  own: readonly LimitState[];
  onSave: (after: KeyLimits) => Promise<void>;
}

function LimitsForm({ before, own, onSave }: LimitsFormProps) {
  const [texts, setTexts] = useState(() => textsOfKey(before));
  const [wrong, setWrong] = useState<Partial<Record<LimitName, string>>>({});
  const { isBusy, error, submit } = useSubmit(async () => {
    const read = readKeyLimits(texts, own);
    setWrong(read.wrong);
    if (Object.keys(read.wrong).length === 0) await onSave(read.limits);
  });
  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      <p className="text-ink-2">{STRINGS.ownLimitsHint}</p>
      <KeyLimitInputs texts={texts} wrong={wrong} own={own} onChange={setTexts} />
      <FormSubmit action={PEOPLE_STRINGS.save} busyAction={PEOPLE_STRINGS.saving} isBusy={isBusy} error={error} />
    </form>
  );
}
