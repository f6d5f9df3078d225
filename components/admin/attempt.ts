import { showToast } from '#lib/browser/toasts';
import { failureSentence } from '../people/people-api.ts';
import { PEOPLE_STRINGS } from '../people/strings.ts';

/** Runs an action of a row. Says what it did, with a way back if there is one, or why it failed. */
export async function attempt(action: () => Promise<unknown>, sentence: string, undo?: () => void): Promise<void> {
  try {
    await action();
    showToast({ text: sentence, ...(undo === undefined ? {} : { action: { label: PEOPLE_STRINGS.undo, run: undo } }) });
  } catch (error) {
    showToast({ kind: 'error', text: failureSentence(error) });
  }
}
