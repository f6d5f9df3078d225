'use client';

import { BookOpenText } from 'lucide-react';
import Link from 'next/link';
import { ICON_BUTTON } from '#components/ui/icon-button';
import { tip } from '#components/ui/tooltip';

/** The link to the API reference. Hidden on phones for lack of space. */
export function ReferenceLink() {
  return (
    <Link
      href="/docs/api"
      prefetch={false}
      aria-label="API reference"
      className={`${ICON_BUTTON} max-md:hidden`}
      {...tip('API reference', undefined, 'right')}
    >
      <BookOpenText className="size-[1.125rem]" strokeWidth={1.75} aria-hidden />
    </Link>
  );
}
