import { showToast } from '#lib/browser/toasts';
import { PEOPLE_STRINGS } from '../people/strings.ts';
import { attempt } from './attempt.ts';

/** The way back from a change. */
export interface Undo {
  action: () => Promise<unknown>;
  sentence: string;
}

/** Nothing to take back where nothing was changed. */
export function undoUnlessEmpty(changes: object, undo: Undo): Undo | undefined {
  return Object.keys(changes).length === 0 ? undefined : undo;
}

/** What a dialog that changes one entry of a list is given. */
export interface EditDialogProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  /** Loads the list again. */
  onChange: () => void;
}

/**
 * Closes the dialog after a change, and says what was done. `undo` takes it back, and has its own
 * sentence.
 */
export function closeSaved(
  { onOpenChange, onChange }: Omit<EditDialogProps, 'open'>,
  sentence: string,
  undo?: Undo,
): void {
  onOpenChange(false);
  onChange();
  if (undo === undefined) {
    showToast({ text: sentence });
    return;
  }
  const run = () => void attempt(undo.action, undo.sentence).then(onChange);
  showToast({ text: sentence, action: { label: PEOPLE_STRINGS.undo, run } });
}
