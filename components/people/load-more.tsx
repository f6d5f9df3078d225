'use client';

import { Button } from '#components/ui/button';
import { PEOPLE_STRINGS as STRINGS } from './strings.ts';
import type { Paged } from './use-paged.ts';

/** The next page of a list. */
export function LoadMore({ list }: { list: Pick<Paged<unknown>, 'hasMore' | 'isLoadingMore' | 'loadMore'> }) {
  if (!list.hasMore) return null;
  return (
    <div className="flex justify-center border-t pt-3">
      <Button disabled={list.isLoadingMore} onClick={list.loadMore}>
        {list.isLoadingMore ? STRINGS.loadingMore : STRINGS.loadMore}
      </Button>
    </div>
  );
}
