import type { Metadata } from 'next';
import Link from 'next/link';
import { buttonClasses } from '#components/ui/button';

export const metadata: Metadata = { title: 'Not found' };

export default function NotFound() {
  return (
    <div className="m-auto flex max-w-96 flex-col items-start gap-4 p-6">
      <h1 className="font-semibold text-xl">There is nothing at this address</h1>
      <p className="text-ink-2">The page may have moved, or the link was cut. Everything starts from the chat.</p>
      <Link href="/" className={buttonClasses('primary', 'md')}>
        Go to the chat
      </Link>
    </div>
  );
}
