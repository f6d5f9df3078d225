'use client';

import { BookOpenText } from 'lucide-react';
import Link from 'next/link';
import { ICON_BUTTON } from '#components/ui/icon-button';
import { tip } from '#components/ui/tooltip';
import { SHELL_STRINGS } from './strings.ts';

/** The rail's link to the API reference. */
export function ReferenceLink() {
  return (
    <Link
      href="/docs/api"
      prefetch={false}
      aria-label={SHELL_STRINGS.apiReference}
      className={ICON_BUTTON}
      {...tip(SHELL_STRINGS.apiReference, undefined, 'right')}
    >
      <BookOpenText className="size-[1.125rem]" strokeWidth={1.75} aria-hidden />
    </Link>
  );
}
