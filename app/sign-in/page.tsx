import type { Metadata } from 'next';
import { headers } from 'next/headers';
import { redirect } from 'next/navigation';
import { SignIn } from '#components/sign-in/sign-in';
import { signInOptions, viewerOf } from '#lib/server/account';
import { SIGN_IN_STRINGS } from '../../components/sign-in/strings.ts';

export const metadata: Metadata = { title: SIGN_IN_STRINGS.signIn };

export default async function SignInPage() {
  const { account } = await viewerOf(await headers(), Date.now());
  if (account === 'none') redirect('/');
  return <SignIn signedIn={account === 'signed_in'} options={signInOptions()} />;
}
