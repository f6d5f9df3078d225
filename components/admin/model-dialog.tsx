'use client';

import { useState } from 'react';
import { ModelAccessField } from '#components/admin/model-access';
import { ParameterFields } from '#components/admin/parameter-fields';
import { Failure } from '#components/people/failure';
import { TextAreaField, TextField } from '#components/people/field';
import { Button } from '#components/ui/button';
import { Dialog } from '#components/ui/dialog';
import { showToast } from '#lib/browser/toasts';
import type { AdminModel } from '#lib/wire/people-admin';
import { useMe } from '../people/use-me.ts';
import { useSubmit } from '../people/use-submit.ts';
import { type ParameterFieldName, parameterChanges, parameterTexts } from './model-parameters.ts';
import { changeModel } from './models-api.ts';
import { ADMIN_STRINGS } from './strings/frame.ts';
import { SERVER_ADMIN_STRINGS } from './strings/server.ts';

const { models: STRINGS } = SERVER_ADMIN_STRINGS;

interface ModelDialogProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  model: AdminModel;
  onChange: () => void;
}

/** Changes the name that people see, what requests get that leave it out, and who may use it. */
export function ModelDialog({ open, onOpenChange, model, onChange }: ModelDialogProps) {
  return (
    <Dialog open={open} onOpenChange={onOpenChange} title={STRINGS.editTitle(model.id)}>
      <ModelForm
        key={model.id}
        model={model}
        onSaved={() => {
          onOpenChange(false);
          showToast({ text: ADMIN_STRINGS.saved(model.id) });
          onChange();
        }}
      />
    </Dialog>
  );
}

function ModelForm({ model, onSaved }: { model: AdminModel; onSaved: () => void }) {
  const [name, setName] = useState(model.display_name ?? '');
  const [prompt, setPrompt] = useState(model.system_prompt ?? '');
  const [texts, setTexts] = useState(parameterTexts(model.parameters));
  const [wrong, setWrong] = useState<readonly ParameterFieldName[]>([]);
  const [access, setAccess] = useState(model.access);
  const hasAccounts = useMe().data?.auth === 'accounts';
  const { isBusy, error, submit } = useSubmit(async () => {
    const parameters = parameterChanges(texts, model.parameters, model.supported_parameters);
    setWrong(parameters.wrong);
    if (parameters.wrong.length > 0) return;
    await changeModel(model.id, {
      display_name: name.trim() === '' ? null : name.trim(),
      system_prompt: prompt.trim() === '' ? null : prompt,
      parameters: parameters.changes,
      ...(hasAccounts ? { access } : {}),
    });
    onSaved();
  });
  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      <TextField
        label={STRINGS.displayName}
        hint={STRINGS.displayNameHint}
        isOptional
        maxLength={100}
        autoComplete="off"
        placeholder={model.id}
        value={name}
        onChange={setName}
      />
      <TextAreaField
        label={STRINGS.systemPrompt}
        hint={STRINGS.systemPromptHint}
        maxLength={20_000}
        value={prompt}
        onChange={setPrompt}
      />
      <ParameterFields
        texts={texts}
        supported={model.supported_parameters}
        wrong={wrong}
        onChange={(next) => {
          setTexts(next);
          setWrong([]);
        }}
      />
      {hasAccounts ? <ModelAccessField access={access} onChange={setAccess} /> : null}
      {error === undefined ? null : <Failure error={error} />}
      <div className="flex justify-end">
        <Button type="submit" kind="primary" disabled={isBusy} className="h-10">
          {isBusy ? ADMIN_STRINGS.saving : ADMIN_STRINGS.save}
        </Button>
      </div>
    </form>
  );
}
