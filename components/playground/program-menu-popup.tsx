'use client';

import { Menu } from '@base-ui/react/menu';
import clsx from 'clsx';
import {
  Check,
  ChevronRight,
  Copy,
  Download,
  FilePlus2,
  FolderOpen,
  Library,
  Link2,
  MessageSquare,
  Pencil,
  RotateCcw,
  Timer,
  Trash2,
} from 'lucide-react';
import type { ReactNode } from 'react';
import { PROGRAM_TRIGGER, ProgramName } from '#components/playground/program-name';
import { POPUP, POPUP_ITEM, SELECT_TRIGGER } from '#components/ui/popup-props';
import type { TextFile } from './program-files.ts';
import { languageText, listPrograms } from './program-listing.ts';
import { programs } from './programs.ts';
import { PROGRAM_STRINGS as S } from './strings.ts';

export interface ProgramMenuProps {
  id: string;
  name: string;
  isUnsaved: boolean;
  files: () => readonly TextFile[];
  timeout: number | undefined;
  hasExample: boolean;
  onOpen: (id: string) => void;
  onAll: () => void;
  onNew: () => void;
  onOpenFiles: () => void;
  onRename: () => void;
  onDuplicate: () => void;
  onDownload: (files: readonly TextFile[]) => void;
  onTimeout: (seconds: number | undefined) => void;
  onCopyLink: () => void;
  onReset: () => void;
  onAsk: () => void;
  onDelete: () => void;
}

/** All are also listed in a dialog. */
const RECENT = 6;
const TIME_LIMITS = [5, 10, 30, 60] as const;

/** The menu itself, open from its first render. */
export function ProgramMenuPopup(props: ProgramMenuProps) {
  return (
    <Menu.Root defaultOpen>
      <Menu.Trigger aria-label={S.programMenu(props.name)} className={clsx(SELECT_TRIGGER, PROGRAM_TRIGGER)}>
        <ProgramName name={props.name} isUnsaved={props.isUnsaved} />
      </Menu.Trigger>
      <Menu.Portal>
        <Menu.Positioner align="start" sideOffset={6} collisionPadding={8} className="z-70 outline-none">
          <Menu.Popup className={clsx(POPUP, SCROLLING)}>
            <Entries {...props} />
          </Menu.Popup>
        </Menu.Positioner>
      </Menu.Portal>
    </Menu.Root>
  );
}

function Entries({ id, files, timeout, hasExample, ...on }: ProgramMenuProps) {
  const listed = listPrograms(programs().storage.list(), programs().store.tab());
  const parts = files();
  return (
    <>
      <Menu.RadioGroup value={id} onValueChange={(value: unknown) => on.onOpen(String(value))}>
        {listed.slice(0, RECENT).map(({ program, editedAt }) => (
          <Menu.RadioItem key={program.id} value={program.id} closeOnClick className={clsx(POPUP_ITEM, 'text-ink')}>
            <span className={ICON}>
              <Menu.RadioItemIndicator>
                <Check className="size-4 text-accent" aria-hidden />
              </Menu.RadioItemIndicator>
            </span>
            <span dir="auto" className="min-w-0 grow truncate">
              {program.name}
            </span>
            <span className="shrink-0 text-ink-3 text-xs">{languageText({ program, editedAt })}</span>
          </Menu.RadioItem>
        ))}
      </Menu.RadioGroup>
      <Entry icon={<Library />} label={S.allPrograms(listed.length)} onSelect={on.onAll} />
      <Menu.Separator className={LINE} />
      <Entry icon={<FilePlus2 />} label={S.newProgram} onSelect={on.onNew} />
      <Entry icon={<FolderOpen />} label={S.openFiles} onSelect={on.onOpenFiles} />
      <Menu.Separator className={LINE} />
      <Entry icon={<Pencil />} label={S.rename} onSelect={on.onRename} />
      <Entry icon={<Copy />} label={S.duplicate} onSelect={on.onDuplicate} />
      <Entry icon={<Link2 />} label={S.copyLink} onSelect={on.onCopyLink} />
      {parts.length === 1 ? (
        <Entry icon={<Download />} label={S.download} onSelect={() => on.onDownload(parts)} />
      ) : (
        <Submenu icon={<Download />} label={S.download}>
          <Entry label={S.downloadAll(parts.length)} onSelect={() => on.onDownload(parts)} />
          {parts.map((part) => (
            <Entry key={part.name} label={part.name} onSelect={() => on.onDownload([part])} />
          ))}
        </Submenu>
      )}
      <Submenu icon={<Timer />} label={S.timeLimit}>
        <Menu.RadioGroup
          value={timeout ?? 0}
          onValueChange={(value: unknown) => on.onTimeout(typeof value === 'number' && value > 0 ? value : undefined)}
        >
          {[0, ...TIME_LIMITS].map((seconds) => (
            <Menu.RadioItem key={seconds} value={seconds} closeOnClick className={clsx(POPUP_ITEM, 'text-ink')}>
              <span className="grow">{seconds === 0 ? S.timeLimitDefault : S.timeLimitSeconds(seconds)}</span>
              <Menu.RadioItemIndicator>
                <Check className="size-4 text-accent" aria-hidden />
              </Menu.RadioItemIndicator>
            </Menu.RadioItem>
          ))}
        </Menu.RadioGroup>
      </Submenu>
      {hasExample ? <Entry icon={<RotateCcw />} label={S.reset} onSelect={on.onReset} /> : null}
      <Entry icon={<MessageSquare />} label={S.askModel} onSelect={on.onAsk} />
      <Menu.Separator className={LINE} />
      <Entry icon={<Trash2 />} label={S.delete} danger onSelect={on.onDelete} />
    </>
  );
}

interface EntryProps {
  icon?: ReactNode;
  label: string;
  danger?: boolean;
  onSelect: () => void;
}

function Entry({ icon, label, danger = false, onSelect }: EntryProps) {
  return (
    <Menu.Item onClick={onSelect} className={clsx(POPUP_ITEM, danger ? 'text-error' : 'text-ink')}>
      {icon === undefined ? null : <span className={ICON}>{icon}</span>}
      <span className="min-w-0 truncate">{label}</span>
    </Menu.Item>
  );
}

function Submenu({ icon, label, children }: { icon: ReactNode; label: string; children: ReactNode }) {
  return (
    <Menu.SubmenuRoot>
      <Menu.SubmenuTrigger className={clsx(POPUP_ITEM, 'text-ink data-popup-open:bg-hover')}>
        <span className={ICON}>{icon}</span>
        <span className="grow">{label}</span>
        <ChevronRight className="size-4 text-ink-3" aria-hidden />
      </Menu.SubmenuTrigger>
      <Menu.Portal>
        <Menu.Positioner collisionPadding={8} className="z-70 outline-none">
          <Menu.Popup className={clsx(POPUP, SCROLLING)}>{children}</Menu.Popup>
        </Menu.Positioner>
      </Menu.Portal>
    </Menu.SubmenuRoot>
  );
}

const SCROLLING = 'scroller max-h-(--available-height)';
const ICON = 'flex size-4 shrink-0 items-center justify-center opacity-80 *:size-4';
const LINE = 'mx-2 my-1 h-px bg-line';
