import { afterPreviousPage, closedPages, holdPageLock, ifClosed, thisPage } from '#lib/browser/page-identity';
import { AttachmentStore } from './attachment-store.ts';
import { openHistory } from './history-db.ts';
import { COMPOSER_STRINGS } from './strings/composer.ts';

export function createAttachmentStore(): AttachmentStore {
  const history = openHistory();
  const { id: page, previousId } = thisPage();
  return new AttachmentStore({
    read: async (file) => {
      // The sentence for a file that cannot be read is what helps here, too.
      const reader = await import('./read-file.ts').catch(() => undefined);
      if (reader === undefined) throw new Error(COMPOSER_STRINGS.unreadableFile(file.name));
      return reader.readFile(file);
    },
    keep: async (chat, attachment) => {
      await holdPageLock();
      await history.attach(chat, page, attachment);
    },
    drop: async (ids) => {
      await holdPageLock();
      await history.detach(ids);
    },
    adopt: async function* (chat, freeSlots) {
      const others = (await history.ownerPages(chat)).filter((holder) => holder !== page);
      if (others.length > 0) await holdPageLock();
      const handOver = (other: string) => () => history.reassign(chat, other, page, freeSlots());
      if (previousId !== null && others.includes(previousId)) yield await afterPreviousPage(handOver(previousId));
      for (const other of await closedPages(others.filter((holder) => holder !== previousId)))
        yield await ifClosed(other, handOver(other));
    },
  });
}
