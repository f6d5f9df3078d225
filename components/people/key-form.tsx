'use client';

import { useState } from 'react';
import { Failure } from '#components/people/failure';
import { CheckboxField, FieldGroup, TextField } from '#components/people/field';
import { KeyLimitFields } from '#components/people/key-limit-fields';
import { Segments } from '#components/people/segments';
import { SelectField } from '#components/people/select-field';
import { Button } from '#components/ui/button';
import { useModels } from '#lib/browser/service-status';
import type { LimitName } from '#lib/wire/limits';
import type { CreatedKey, KeyScope, LimitState, NewKey } from '#lib/wire/people';
import { type KeyLimitTexts, readKeyLimits } from './key-limits.ts';
import { PEOPLE_STRINGS } from './strings.ts';
import { useSubmit } from './use-submit.ts';

const { keys: STRINGS } = PEOPLE_STRINGS;
const EXPIRIES = ['7', '30', '90', '365', 'never'] as const;
type Expiry = (typeof EXPIRIES)[number];
const MODEL_CHOICES = ['all', 'some'] as const;
const NO_LIMITS: readonly LimitState[] = [];

interface KeyFormProps {
  /** What a new key may be used for at most: what the person may do. */
  scopes: readonly KeyScope[];
  /** Of the person whose key it is. A key's limits are not above them. */
  ownLimits?: readonly LimitState[];
  onCreate: (key: NewKey) => Promise<CreatedKey>;
  onCreated: (key: CreatedKey) => void;
}

/** The name, expiry, scopes, models and limits of a new key. */
export function KeyForm({ scopes, ownLimits = NO_LIMITS, onCreate, onCreated }: KeyFormProps) {
  const [name, setName] = useState('');
  const [expiry, setExpiry] = useState<Expiry>('90');
  const [chosen, setChosen] = useState<ReadonlySet<KeyScope>>(
    () => new Set(scopes.filter((scope) => scope !== 'admin')),
  );
  const [modelChoice, setModelChoice] = useState<(typeof MODEL_CHOICES)[number]>('all');
  const [models, setModels] = useState<ReadonlySet<string>>(new Set());
  const [limitTexts, setLimitTexts] = useState<KeyLimitTexts>({});
  const [wrongLimits, setWrongLimits] = useState<Partial<Record<LimitName, string>>>({});
  const [wasSubmitted, setSubmitted] = useState(false);
  const { data } = useModels();
  const lacksModel = modelChoice === 'some' && models.size === 0;
  const { isBusy, error, submit } = useSubmit(async () => {
    setSubmitted(true);
    const { limits, wrong } = readKeyLimits(limitTexts, ownLimits);
    setWrongLimits(wrong);
    if (chosen.size === 0 || lacksModel || Object.keys(wrong).length > 0) return;
    const created = await onCreate({
      name: name.trim(),
      scopes: scopes.filter((scope) => chosen.has(scope)),
      ...(expiry === 'never' ? {} : { expires_in_days: Number(expiry) }),
      ...(modelChoice === 'all' ? {} : { models: [...models] }),
      ...(Object.keys(limits).length === 0 ? {} : { limits }),
    });
    onCreated(created);
  });
  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      <TextField
        label={PEOPLE_STRINGS.name}
        hint={STRINGS.nameHint}
        value={name}
        onChange={setName}
        required
        maxLength={100}
        autoComplete="off"
      />
      <SelectField
        label={STRINGS.expires}
        value={expiry}
        options={EXPIRIES.map((value) => ({ value, label: STRINGS.expiries[value] }))}
        onChange={(value) => setExpiry(EXPIRIES.find((known) => known === value) ?? '90')}
      />
      <FieldGroup label={STRINGS.scopes} error={wasSubmitted && chosen.size === 0 ? STRINGS.noScope : undefined}>
        {scopes.map((scope) => (
          <CheckboxField
            key={scope}
            label={PEOPLE_STRINGS.scope(scope)}
            hint={PEOPLE_STRINGS.scopeHint(scope)}
            checked={chosen.has(scope)}
            onChange={(isChosen) => setChosen(withEntry(chosen, scope, isChosen))}
          />
        ))}
      </FieldGroup>
      <FieldGroup label={STRINGS.models} error={wasSubmitted && lacksModel ? STRINGS.chooseModel : undefined}>
        <div className="mt-1.5 mb-1 flex">
          <Segments
            label={STRINGS.models}
            value={modelChoice}
            options={MODEL_CHOICES}
            names={{ all: STRINGS.allModels, some: STRINGS.someModels }}
            onChange={setModelChoice}
          />
        </div>
        {modelChoice === 'all' ? null : (
          <ModelBoxes names={data?.models.map(({ id }) => id) ?? []} chosen={models} onChange={setModels} />
        )}
      </FieldGroup>
      <KeyLimitFields texts={limitTexts} wrong={wrongLimits} own={ownLimits} onChange={setLimitTexts} />
      {error === undefined ? null : <Failure error={error} />}
      <div className="flex justify-end">
        <Button type="submit" kind="primary" disabled={isBusy} className="h-10">
          {isBusy ? STRINGS.creating : STRINGS.create}
        </Button>
      </div>
    </form>
  );
}

interface ModelBoxesProps {
  names: readonly string[];
  chosen: ReadonlySet<string>;
  onChange: (chosen: ReadonlySet<string>) => void;
}

function ModelBoxes({ names, chosen, onChange }: ModelBoxesProps) {
  if (names.length === 0) return <p className="text-ink-3 text-sm">{STRINGS.noModels}</p>;
  return (
    <div className="scroller max-h-48 rounded-md border px-3 py-1">
      {names.map((name) => (
        <CheckboxField
          key={name}
          label={name}
          checked={chosen.has(name)}
          onChange={(isChosen) => onChange(withEntry(chosen, name, isChosen))}
        />
      ))}
    </div>
  );
}

function withEntry<Entry>(entries: ReadonlySet<Entry>, entry: Entry, isThere: boolean): ReadonlySet<Entry> {
  const next = new Set(entries);
  if (isThere) next.add(entry);
  else next.delete(entry);
  return next;
}
