import type { RefObject } from 'react';

interface FilePickerProps {
  /** Opens the dialog of the system by `click`. */
  ref: RefObject<HTMLInputElement | null>;
  onChoose: (files: File[]) => void;
}

/** The invisible field of a button that chooses files. The same file can be chosen again. */
export function FilePicker({ ref, onChoose }: FilePickerProps) {
  return (
    <input
      ref={ref}
      type="file"
      multiple
      hidden
      onChange={({ currentTarget: field }) => {
        onChoose([...(field.files ?? [])]);
        field.value = '';
      }}
    />
  );
}
