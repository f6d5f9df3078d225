'use client';

import { Download } from 'lucide-react';
import { useState } from 'react';
import { Failure } from '#components/people/failure';
import { TextField } from '#components/people/field';
import { FormSubmit } from '#components/people/form-submit';
import { PasswordField } from '#components/people/password-field';
import { Section } from '#components/people/section';
import { Button } from '#components/ui/button';
import { Dialog } from '#components/ui/dialog';
import { downloadText } from '#lib/browser/download';
import { useSubmit } from '../people/use-submit.ts';
import { deleteAccount, exportData } from './account-api.ts';
import { ACCOUNT_STRINGS } from './strings.ts';

const { data: STRINGS, twoFactor: TWO_FACTOR_STRINGS } = ACCOUNT_STRINGS;

interface DataSectionProps {
  email: string | null;
  hasPassword: boolean;
}

/** Takes the own data along, or deletes the account. */
export function DataSection({ email, hasPassword }: DataSectionProps) {
  const [open, setOpen] = useState(false);
  const [isDeleted, setDeleted] = useState(false);
  const { isBusy, error, submit } = useSubmit(async () => {
    downloadText(STRINGS.exportFile, await exportData(), 'application/json');
  });
  return (
    <Section id="data" title={STRINGS.title}>
      <div className="flex flex-col gap-4 text-sm">
        <div className="flex flex-wrap items-center justify-between gap-x-4 gap-y-2">
          <p className="min-w-[min(16rem,100%)] flex-1 text-ink-2">{STRINGS.exportHint}</p>
          <Button disabled={isBusy} onClick={() => submit()}>
            <Download className="size-4" strokeWidth={1.75} aria-hidden />
            {isBusy ? STRINGS.exporting : STRINGS.export}
          </Button>
        </div>
        {error === undefined ? null : <Failure error={error} />}
        <div className="flex flex-wrap items-center justify-between gap-x-4 gap-y-2">
          <p className="min-w-[min(16rem,100%)] flex-1 text-ink-2">{STRINGS.deleteHint}</p>
          <Button kind="danger" onClick={() => setOpen(true)}>
            {STRINGS.delete}
          </Button>
        </div>
      </div>
      <Dialog
        open={open}
        onOpenChange={(isOpen) => (isDeleted ? leave() : setOpen(isOpen))}
        title={isDeleted ? STRINGS.deletedTitle : STRINGS.deleteTitle}
      >
        {isDeleted ? (
          <Deleted />
        ) : (
          <DeleteForm email={email ?? ''} hasPassword={hasPassword} onDeleted={() => setDeleted(true)} />
        )}
      </Dialog>
    </Section>
  );
}

function leave(): void {
  window.location.replace('/sign-in');
}

/** The account page has no person any more: what follows is to leave it. */
function Deleted() {
  return (
    <div className="flex flex-col gap-4">
      <p role="status" className="text-ink-2">
        {STRINGS.deleted}
      </p>
      <div className="flex justify-end">
        <Button kind="primary" className="h-10" onClick={leave}>
          {STRINGS.deletedLeave}
        </Button>
      </div>
    </div>
  );
}

interface DeleteFormProps {
  email: string;
  hasPassword: boolean;
  onDeleted: () => void;
}

/** The typed address and the password: neither is there by mistake. */
function DeleteForm({ email, hasPassword, onDeleted }: DeleteFormProps) {
  const [typed, setTyped] = useState('');
  const [password, setPassword] = useState('');
  const [isWrong, setWrong] = useState(false);
  const { isBusy, error, submit } = useSubmit(async () => {
    const isRight = typed.trim().toLowerCase() === email.toLowerCase();
    setWrong(!isRight);
    if (!isRight) return;
    await deleteAccount(hasPassword ? password : undefined);
    onDeleted();
  });
  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      <p className="text-ink-2">{STRINGS.deleteConfirm}</p>
      <TextField
        label={STRINGS.typeEmail(email)}
        error={isWrong ? STRINGS.typeWrong : undefined}
        autoComplete="off"
        spellCheck={false}
        required
        value={typed}
        onChange={setTyped}
      />
      {hasPassword ? (
        <PasswordField
          label={TWO_FACTOR_STRINGS.password}
          name="current-password"
          autoComplete="current-password"
          value={password}
          onChange={setPassword}
        />
      ) : null}
      <FormSubmit action={STRINGS.delete} busyAction={STRINGS.deleting} isBusy={isBusy} error={error} kind="danger" />
    </form>
  );
}
