import type { Tab } from './tab.ts';

export type SaveState = 'unsaved' | 'saving' | 'saved' | 'failed';

/**
 * How the program of a tab is saved. `saved` is the tab when it got its revision: a large program
 * is saved after a pause, and until then its text is newer than its revision.
 */
export function saveStateOf(tab: Tab, saved: Tab): SaveState {
  if (tab.problem !== undefined) return 'failed';
  if (tab.isEdited && tab.program !== saved.program) return 'saving';
  return tab.rev === '' ? 'unsaved' : 'saved';
}

/** Whether the tab has another revision, or shows another program. */
export function hasNewRevision(tab: Tab, saved: Tab): boolean {
  return tab.rev !== saved.rev || tab.program.id !== saved.program.id;
}
