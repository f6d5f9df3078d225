import type { Metadata } from 'next';
import { redirect } from 'next/navigation';
import { ForgotPassword } from '#components/sign-in/forgot-password';
import { signInOptions } from '#lib/server/account';
import { SIGN_IN_STRINGS } from '../../components/sign-in/strings.ts';

export const metadata: Metadata = { title: SIGN_IN_STRINGS.forgot.title };

export default function ForgotPasswordPage() {
  const { mode, sendsMail, provider } = signInOptions();
  if (mode !== 'accounts') redirect('/');
  if (sendsMail !== true) redirect('/sign-in');
  return <ForgotPassword provider={provider} />;
}
