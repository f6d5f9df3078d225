import type { Metadata } from 'next';
import { redirect } from 'next/navigation';
import { Join } from '#components/sign-in/join';
import { signInOptions } from '#lib/server/account';
import { SIGN_IN_STRINGS } from '../../components/sign-in/strings.ts';

export const metadata: Metadata = { title: SIGN_IN_STRINGS.join.title };

export default function JoinPage() {
  const { mode, signUp, provider } = signInOptions();
  if (mode !== 'accounts') redirect('/');
  return <Join signUp={signUp} provider={provider} />;
}
