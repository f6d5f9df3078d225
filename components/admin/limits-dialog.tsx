'use client';

import { useState } from 'react';
import useSWR from 'swr';
import { Failure } from '#components/people/failure';
import { TextField } from '#components/people/field';
import { Segments } from '#components/people/segments';
import { Button } from '#components/ui/button';
import { Dialog } from '#components/ui/dialog';
import type { LimitName, LimitScope, ScopedLimits } from '#lib/wire/limits';
import { LIMITS } from '../people/limit-list.ts';
import { PEOPLE_STRINGS } from '../people/strings.ts';
import { useSubmit } from '../people/use-submit.ts';
import { closeSaved, undoUnlessEmpty } from './edit-dialog.ts';
import { changesOf, type LimitTexts, textsOf, undoOf } from './limit-fields.ts';
import { changeLimits, fetchScope, type LimitChanges } from './limits-api.ts';
import { ADMIN_STRINGS } from './strings/frame.ts';
import { SERVER_ADMIN_STRINGS } from './strings/server.ts';

const { limits: STRINGS } = SERVER_ADMIN_STRINGS;
const KINDS = ['share', 'hard'] as const;
const HINTS: Record<LimitScope['kind'], string> = {
  default: STRINGS.everyoneHint,
  group: STRINGS.groupHint,
  user: STRINGS.fieldHint,
  key: STRINGS.keyHint,
};

interface LimitsDialogProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  scope: LimitScope;
  /** Of the group, the person or the key; of everyone. */
  name: string;
  onChange: () => void;
}

/** Changes the limits of a group, a person, a key, or everyone. */
export function LimitsDialog({ open, onOpenChange, scope, name, onChange }: LimitsDialogProps) {
  return (
    <Dialog open={open} onOpenChange={onOpenChange} title={STRINGS.title(name)}>
      <LoadedForm
        key={`${scope.kind} ${scope.id}`}
        scope={scope}
        onSaved={(changes, action) => {
          const undo = undoUnlessEmpty(changes, { action, sentence: STRINGS.undone(name) });
          closeSaved({ onOpenChange, onChange }, STRINGS.saved(name), undo);
        }}
      />
    </Dialog>
  );
}

interface LoadedFormProps {
  scope: LimitScope;
  /** `undo` takes the change back. */
  onSaved: (changes: LimitChanges, undo: () => Promise<unknown>) => void;
}

function LoadedForm({ scope, onSaved }: LoadedFormProps) {
  const { data, error, mutate } = useSWR(['limits', scope.kind, scope.id], () => fetchScope(scope), {
    revalidateOnFocus: false,
    keepPreviousData: false,
  });
  if (error !== undefined) return <Failure error={error} onRetry={() => void mutate()} />;
  if (data === undefined) return <div aria-hidden className="skeleton h-96" />;
  return (
    <LimitsForm
      scope={scope}
      stored={data}
      onSaved={(next, changes) => {
        void mutate(next, { revalidate: false });
        onSaved(changes, async () => mutate(await changeLimits(scope, undoOf(changes, data)), { revalidate: false }));
      }}
    />
  );
}

interface LimitsFormProps {
  scope: LimitScope;
  stored: ScopedLimits;
  onSaved: (next: ScopedLimits, changes: LimitChanges) => void;
}

function LimitsForm({ scope, stored, onSaved }: LimitsFormProps) {
  const [texts, setTexts] = useState<LimitTexts>(() => textsOf(stored));
  const [wrong, setWrong] = useState<readonly LimitName[]>([]);
  const { isBusy, error, submit } = useSubmit(async () => {
    const { changes, wrong: notValid } = changesOf(texts, stored);
    setWrong(notValid);
    if (notValid.length === 0) onSaved(await changeLimits(scope, changes), changes);
  });
  const change = (name: LimitName, next: Partial<LimitTexts[LimitName]>) =>
    setTexts({ ...texts, [name]: { ...texts[name], ...next } });
  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      <p className="text-ink-2">
        {hintOf(scope)} {STRINGS.kindsHint}
      </p>
      {LIMITS.map(({ name, mayBeShared }) => {
        const label = PEOPLE_STRINGS.limits.label(name);
        const isLocked = stored.locked.includes(name);
        return (
          <div key={name} className="flex flex-wrap items-start gap-x-3 gap-y-1.5">
            <div className="min-w-[min(12rem,100%)] flex-1">
              <TextField
                label={label}
                hint={isLocked ? STRINGS.locked : PEOPLE_STRINGS.limits.unit(name)}
                error={wrong.includes(name) ? STRINGS.wrong : undefined}
                inputMode="numeric"
                autoComplete="off"
                maxLength={20}
                disabled={isLocked}
                value={texts[name].text}
                onChange={(text) => change(name, { text })}
                className="tabular"
              />
            </div>
            {mayBeShared && !isLocked ? (
              <div className="mt-[1.8125rem] max-[22rem]:mt-0">
                <Segments
                  label={STRINGS.kind(label)}
                  value={texts[name].kind}
                  options={KINDS}
                  names={STRINGS.kinds}
                  onChange={(kind) => change(name, { kind })}
                />
              </div>
            ) : null}
          </div>
        );
      })}
      {error === undefined ? null : <Failure error={error} />}
      <div className="flex justify-end">
        <Button type="submit" kind="primary" disabled={isBusy} className="h-10">
          {isBusy ? ADMIN_STRINGS.saving : ADMIN_STRINGS.save}
        </Button>
      </div>
    </form>
  );
}

/** What an empty field and 0 mean. */
function hintOf({ kind }: LimitScope): string {
  return HINTS[kind];
}
