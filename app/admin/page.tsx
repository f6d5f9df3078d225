import { redirect } from 'next/navigation';
import { signInOptions } from '#lib/server/account';

/** The first section that the server has. */
export default function AdminPage() {
  redirect(signInOptions().mode === 'accounts' ? '/admin/people' : '/admin/usage');
}
