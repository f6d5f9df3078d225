'use client';

import { Command as CommandIcon } from 'lucide-react';
import { useRouter } from 'next/navigation';
import { useEffect, useRef, useState } from 'react';
import { Dialog, dialogPart } from '#components/ui/dialog';
import { IconButton } from '#components/ui/icon-button';
import { loadable, loadTogether, useLoaded } from '#lib/browser/loadable';
import { onOverlayRequest } from '../shell/overlay-requests.ts';
import { acceptsText } from './accepts-text.ts';
import { PALETTE_BUTTON_STRINGS as S } from './button-strings.ts';

const palettePart = loadable(() => import('#components/command-palette/palette').then(({ Palette }) => Palette));
const shortcutsPart = loadable(() =>
  import('#components/command-palette/shortcuts').then(({ Shortcuts }) => Shortcuts),
);

/** Loaded together, because the next key press must reach the palette's input. */
const wholePalette = loadTogether(dialogPart, palettePart);

/** The palette's button, and the keyboard shortcuts that work everywhere. */
export function CommandPalette({ hidesGateway }: { hidesGateway: boolean }) {
  const router = useRouter();
  const [palette, setPalette] = useState(false);
  const [sheet, setSheet] = useState(false);
  const [sheetIsNext, setSheetIsNext] = useState(false);
  /** The command that runs when the palette has closed. */
  const next = useRef<() => void>(undefined);
  const [typedEarly, setTypedEarly] = useState('');
  const isPaletteLoaded = useLoaded(palette, wholePalette, () => setPalette(false));
  const isSheetLoaded = useLoaded(sheet || sheetIsNext, shortcutsPart, () => {
    setSheet(false);
    setSheetIsNext(false);
  });
  const isPaletteLoading = palette && !isPaletteLoaded;

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const mod = event.ctrlKey || event.metaKey;
      const key = event.key.toLowerCase();
      if (mod && !event.shiftKey && key === 'k') {
        setPalette((open) => !open);
        setTypedEarly('');
      } else if (isPaletteLoading && !mod && key.length === 1) setTypedEarly((typed) => typed + event.key);
      else if (mod && event.shiftKey && key === 'o') router.push('/');
      else if (key === 'control' || key === 'meta') return wholePalette.preload();
      else if (event.key === '?' && !mod && !acceptsText(event.target)) setSheet(true);
      else return;
      event.preventDefault();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [router, isPaletteLoading]);

  useEffect(() => onOverlayRequest((overlay) => (overlay === 'commands' ? setPalette(true) : setSheet(true))), []);

  return (
    <>
      <IconButton
        label={S.open}
        shortcut="Ctrl/Cmd+K"
        side="right"
        className="max-md:hidden"
        onClick={() => {
          setPalette(true);
          setTypedEarly('');
        }}
        onPointerEnter={wholePalette.preload}
        onFocus={wholePalette.preload}
      >
        <CommandIcon className="size-[1.125rem]" strokeWidth={1.75} aria-hidden />
      </IconButton>
      <Dialog
        open={palette && isPaletteLoaded}
        onOpenChange={setPalette}
        // Sequential: the closing dialog would take the focus with it.
        onClosed={() => {
          next.current?.();
          next.current = undefined;
          if (!sheetIsNext) return;
          setSheetIsNext(false);
          setSheet(true);
        }}
        title={S.title}
        placement="top"
      >
        <palettePart.Component
          typed={typedEarly}
          hidesGateway={hidesGateway}
          onDone={(then) => {
            next.current = then;
            setPalette(false);
          }}
          onShortcuts={() => {
            setPalette(false);
            setSheetIsNext(true);
          }}
        />
      </Dialog>
      <Dialog open={sheet && isSheetLoaded} onOpenChange={setSheet} title={S.shortcutsTitle}>
        <shortcutsPart.Component />
      </Dialog>
    </>
  );
}
