'use client';

import { Confirm } from '#components/ui/dialog';
import type { ConfirmProps } from '#components/ui/popup-props';
import { signOutAndDelete } from './account.ts';
import { SIGN_OUT_STRINGS as STRINGS } from './sign-out-strings.ts';

export function DeleteOnSignOutPopup(props: Pick<ConfirmProps, 'open' | 'onOpenChange'>) {
  return <Confirm {...props} {...STRINGS} danger onConfirm={() => void signOutAndDelete()} />;
}
