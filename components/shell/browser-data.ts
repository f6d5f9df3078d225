import { deleteDB } from 'idb';
import { clearCookie, PROGRAM_COOKIE } from '#lib/browser/cookies';

/**
 * Deletes what this browser keeps of its user, and nothing on the server: chats, programs, presets,
 * drafts and attachments. Called on the sign-in page, where no part of the app writes any of it.
 * Rejects if the browser refuses.
 */
export async function deleteBrowserData(): Promise<void> {
  localStorage.clear();
  sessionStorage.clear();
  clearCookie(PROGRAM_COOKIE);
  const databases = await indexedDB.databases();
  await Promise.all(databases.map(({ name }) => (name === undefined ? undefined : deleteDB(name))));
}
