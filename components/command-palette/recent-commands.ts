import { readStored, writeStored } from '#lib/browser/local-storage';

const KEY = 'recent-commands';
const MAX_RECENT = 3;

/** Ids of the commands that were run last, newest first. */
export function recentCommands(): string[] {
  return readStored(KEY).split('\n').filter(Boolean);
}

export function rememberCommand(id: string): void {
  const ids = [id, ...recentCommands().filter((known) => known !== id)];
  writeStored(KEY, ids.slice(0, MAX_RECENT).join('\n'));
}
