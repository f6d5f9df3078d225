import { useCallback, useRef, useState } from 'react';
import type { Picture } from '#lib/client/conversation';
import { MAX_PICTURES, readPicture } from '#lib/client/pictures';

const NONE: readonly Picture[] = [];

export interface Attachments {
  pictures: readonly Picture[];
  /** How many files are still being read. */
  reading: number;
  /** What could not be attached and why, as a sentence; undefined where all could. */
  refusal: string | undefined;
  attach: (files: readonly File[]) => void;
  remove: (id: string) => void;
  /** Takes what is attached away, for sending. */
  clear: () => void;
  refuse: (sentence: string | undefined) => void;
}

/** The pictures that go with the next question of the conversation `key`. They last as long as the page. */
export function useAttachments(key: string): Attachments {
  const [held, setHeld] = useState<Readonly<Record<string, readonly Picture[]>>>({});
  const [reading, setReading] = useState(0);
  const [refusal, refuse] = useState<string>();
  const pictures = held[key] ?? NONE;
  const room = useRef(0);
  room.current = MAX_PICTURES - pictures.length - reading;

  const change = useCallback(
    (edit: (pictures: readonly Picture[]) => readonly Picture[]) =>
      setHeld((before) => ({ ...before, [key]: edit(before[key] ?? NONE) })),
    [key],
  );
  const attach = useCallback(
    (files: readonly File[]) => {
      refuse(files.length > room.current ? `A question takes at most ${MAX_PICTURES} pictures.` : undefined);
      const taken = files.slice(0, Math.max(0, room.current));
      setReading((count) => count + taken.length);
      void readInTurn(taken, {
        onRead: (picture) => change((before) => [...before, picture]),
        onFail: refuse,
        onEach: () => setReading((count) => count - 1),
      });
    },
    [change],
  );
  const remove = useCallback((id: string) => change((before) => before.filter((one) => one.id !== id)), [change]);
  const clear = useCallback(() => {
    change(() => NONE);
    refuse(undefined);
  }, [change]);
  return { pictures, reading, refusal, attach, remove, clear, refuse };
}

interface Readers {
  onRead: (picture: Picture) => void;
  onFail: (sentence: string) => void;
  onEach: () => void;
}

/** One after the other: they stay in the order in which they were chosen, and only one is held in full size. */
async function readInTurn(files: readonly File[], { onRead, onFail, onEach }: Readers): Promise<void> {
  for (const file of files) {
    try {
      onRead(await readPicture(file));
    } catch (error) {
      onFail(error instanceof Error ? error.message : `${file.name} cannot be read.`);
    }
    onEach();
  }
}
