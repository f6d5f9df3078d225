import type { Metadata } from 'next';
import { redirect } from 'next/navigation';
import { ResetPassword } from '#components/sign-in/reset-password';
import { signInOptions } from '#lib/server/account';
import { SIGN_IN_STRINGS } from '../../components/sign-in/strings.ts';

export const metadata: Metadata = { title: SIGN_IN_STRINGS.reset.title };

export default function ResetPasswordPage() {
  const { mode, sendsMail = false } = signInOptions();
  if (mode !== 'accounts') redirect('/');
  return <ResetPassword sendsMail={sendsMail} />;
}
