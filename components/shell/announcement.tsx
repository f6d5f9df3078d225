'use client';

import useSWR from 'swr';
import { Notice } from '#components/ui/notice';
import { fetchBanner } from '#lib/browser/banner';
import type { Banner } from '#lib/wire/people-admin';

interface AnnouncementProps {
  /** What the server rendered. */
  initial: Banner | null;
  /** Looks for a new one while the page is open. */
  isLive: boolean;
}

const REFRESH_MS = 60_000;

/** The administrators' message to everyone. The administration changes it in place. */
export function Announcement({ initial, isLive }: AnnouncementProps) {
  const { data } = useSWR<Banner | null>('banner', fetchBanner, {
    fallbackData: initial,
    refreshInterval: isLive || initial !== null ? REFRESH_MS : 0,
    revalidateOnMount: false,
    revalidateOnFocus: false,
    revalidateOnReconnect: false,
    shouldRetryOnError: false,
  });
  if (data == null) return null;
  return (
    <div role="status" className="m-2 shrink-0 print:hidden">
      <Notice kind={data.kind}>{data.text}</Notice>
    </div>
  );
}
