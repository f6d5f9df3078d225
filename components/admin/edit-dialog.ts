import { showToast } from '#lib/browser/toasts';

/** What a dialog that changes one entry of a list is given. */
export interface EditDialogProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  /** Loads the list again. */
  onChange: () => void;
}

/** Closes the dialog after a change, and says what was done. */
export function closeSaved({ onOpenChange, onChange }: Omit<EditDialogProps, 'open'>, sentence: string): void {
  onOpenChange(false);
  showToast({ text: sentence });
  onChange();
}
