'use client';

import { Confirm } from '#components/ui/dialog';
import { signOutAndDelete } from './account.ts';
import { SHELL_STRINGS } from './strings.ts';

interface DeleteOnSignOutProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
}

/** Asks before it signs out and deletes what this browser keeps, for a shared computer. */
export function DeleteOnSignOut(props: DeleteOnSignOutProps) {
  return (
    <Confirm
      {...props}
      title={SHELL_STRINGS.deleteTitle}
      description={SHELL_STRINGS.deleteDescription}
      action={SHELL_STRINGS.deleteAction}
      danger
      onConfirm={() => void signOutAndDelete()}
    />
  );
}
