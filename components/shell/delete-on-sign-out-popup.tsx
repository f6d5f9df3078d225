'use client';

import { Confirm } from '#components/ui/dialog';
import type { ConfirmProps } from '#components/ui/popup-props';
import { signOutAndDelete } from './account.ts';
import { SIGN_OUT_STRINGS as STRINGS } from './sign-out-strings.ts';

interface DeleteOnSignOutPopupProps extends Pick<ConfirmProps, 'open' | 'onOpenChange'> {
  isPerson: boolean;
}

export function DeleteOnSignOutPopup({ isPerson, ...props }: DeleteOnSignOutPopupProps) {
  return <Confirm {...props} {...STRINGS} danger onConfirm={() => void signOutAndDelete(isPerson)} />;
}
