import type { Metadata } from 'next';
import { redirect } from 'next/navigation';
import { Setup } from '#components/sign-in/setup';
import { signInOptions } from '#lib/server/account';
import { SIGN_IN_STRINGS } from '../../components/sign-in/strings.ts';

export const metadata: Metadata = { title: SIGN_IN_STRINGS.setup.title };

export default function SetupPage() {
  if (signInOptions().mode !== 'accounts') redirect('/');
  return <Setup />;
}
