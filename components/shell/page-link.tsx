'use client';

import Link from 'next/link';
import { useRouter } from 'next/navigation';
import type { ComponentProps } from 'react';

interface PageLinkProps extends Omit<ComponentProps<typeof Link>, 'href' | 'prefetch'> {
  href: string;
}

/** A link that prefetches its page on hover or focus, not on load: hydration comes first. */
export function PageLink({ href, ...rest }: PageLinkProps) {
  const router = useRouter();
  const fetchAhead = () => router.prefetch(href);
  return <Link {...rest} href={href} prefetch={false} onPointerEnter={fetchAhead} onFocus={fetchAhead} />;
}
