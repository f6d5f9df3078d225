import { type DragEvent, useState } from 'react';

interface FileDrop {
  /** True while files are dragged over the element. */
  isOver: boolean;
  /** For the element that takes files. */
  handlers: {
    onDragEnterCapture: (event: DragEvent) => void;
    onDragOverCapture: (event: DragEvent) => void;
    onDragLeaveCapture: (event: DragEvent) => void;
    onDropCapture: (event: DragEvent) => void;
  };
}

/**
 * Takes files that are dropped anywhere on an element, before a text field or an editor in it sees
 * them. Other drags are left alone.
 */
export function useFileDrop(onFiles: (files: readonly File[]) => void): FileDrop {
  const [isOver, setOver] = useState(false);
  const take = (event: DragEvent): boolean => {
    if (!event.dataTransfer.types.includes('Files')) return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  };
  const over = (event: DragEvent) => {
    if (take(event)) setOver(true);
  };
  return {
    isOver,
    handlers: {
      onDragEnterCapture: over,
      onDragOverCapture: over,
      onDragLeaveCapture: ({ currentTarget, relatedTarget }) => {
        // Moving onto a child also fires `dragleave`.
        if (!(relatedTarget instanceof Node && currentTarget.contains(relatedTarget))) setOver(false);
      },
      onDropCapture: (event) => {
        if (!take(event)) return;
        setOver(false);
        onFiles([...event.dataTransfer.files]);
      },
    },
  };
}
