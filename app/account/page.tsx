import type { Metadata } from 'next';
import { Account } from '#components/account/account';
import { ACCOUNT_STRINGS } from '../../components/account/strings.ts';

export const metadata: Metadata = { title: ACCOUNT_STRINGS.title };

export default function AccountPage() {
  return <Account />;
}
