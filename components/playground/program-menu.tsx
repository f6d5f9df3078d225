'use client';

import clsx from 'clsx';
import { useState } from 'react';
import type { ProgramMenuProps } from '#components/playground/program-menu-popup';
import { PROGRAM_TRIGGER, ProgramName } from '#components/playground/program-name';
import { SELECT_TRIGGER } from '#components/ui/popup-props';
import { loadable, useLoaded } from '#lib/browser/loadable';
import { PROGRAM_STRINGS as S } from './strings.ts';

const popup = loadable(() =>
  import('#components/playground/program-menu-popup').then(({ ProgramMenuPopup }) => ProgramMenuPopup),
);

/** The name of the program, with a menu of all programs. Its code is loaded when it is reached. */
export function ProgramMenu(props: ProgramMenuProps) {
  const [wanted, setWanted] = useState(false);
  const isThere = useLoaded(wanted, popup);
  if (isThere) return <popup.Component {...props} />;
  return (
    <button
      type="button"
      aria-haspopup="menu"
      aria-expanded={false}
      onClick={() => setWanted(true)}
      onPointerEnter={popup.preload}
      onFocus={popup.preload}
      className={clsx(SELECT_TRIGGER, PROGRAM_TRIGGER)}
      aria-label={S.programMenu(props.name)}
    >
      <ProgramName name={props.name} isUnsaved={props.isUnsaved} />
    </button>
  );
}
