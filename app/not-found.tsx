import type { Metadata } from 'next';
import Link from 'next/link';
import { buttonClasses } from '#components/ui/button';
import { SHELL_STRINGS } from '../components/shell/strings.ts';

export const metadata: Metadata = { title: SHELL_STRINGS.notFoundTitle };

export default function NotFound() {
  return (
    <div className="m-auto flex max-w-96 flex-col items-start gap-4 p-6">
      <h1 className="font-semibold text-xl">{SHELL_STRINGS.notFound}</h1>
      <p className="text-ink-2">{SHELL_STRINGS.notFoundHint}</p>
      <Link href="/" className={buttonClasses('primary', 'md')}>
        {SHELL_STRINGS.goToChat}
      </Link>
    </div>
  );
}
