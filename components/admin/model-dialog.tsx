'use client';

import { useState } from 'react';
import { ModelAccessField } from '#components/admin/model-access';
import { ParameterFields } from '#components/admin/parameter-fields';
import { Failure } from '#components/people/failure';
import { TextAreaField, TextField } from '#components/people/field';
import { Button } from '#components/ui/button';
import { Dialog } from '#components/ui/dialog';
import type { AdminModel, ModelChange } from '#lib/wire/people-admin';
import { useMe } from '../people/use-me.ts';
import { useSubmit } from '../people/use-submit.ts';
import { closeSaved, undoUnlessEmpty } from './edit-dialog.ts';
import { modelChanges } from './model-edit.ts';
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
        onSaved={(undo) =>
          closeSaved(
            { onOpenChange, onChange },
            ADMIN_STRINGS.saved(model.id),
            undoUnlessEmpty(undo, {
              action: () => changeModel(model.id, undo),
              sentence: ADMIN_STRINGS.undone(model.id),
            }),
          )
        }
      />
    </Dialog>
  );
}

interface ModelFormProps {
  model: AdminModel;
  /** `undo` takes the change back. */
  onSaved: (undo: ModelChange) => void;
}

function ModelForm({ model, onSaved }: ModelFormProps) {
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
    const { change, undo } = modelChanges({ name, prompt, parameters: parameters.changes, access }, model);
    if (Object.keys(change).length > 0) await changeModel(model.id, change);
    onSaved(undo);
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
