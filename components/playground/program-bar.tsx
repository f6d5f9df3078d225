'use client';

import { ListRestart } from 'lucide-react';
import { useRouter } from 'next/navigation';
import { type RefObject, useMemo, useRef, useState } from 'react';
import type { EditorHandle } from '#components/playground/code-editor';
import { FilePicker } from '#components/playground/file-picker';
import { ProgramMenu } from '#components/playground/program-menu';
import { SaveStatus } from '#components/playground/save-status';
import { LinkDialog, ShareButton, useLinkCopy } from '#components/playground/share-button';
import { Button } from '#components/ui/button';
import { Dialog } from '#components/ui/dialog';
import { Menu } from '#components/ui/menu';
import { NameForm } from '#components/ui/name-form';
import { Select } from '#components/ui/select';
import { downloadText } from '#lib/browser/download';
import { loadable, useLoaded } from '#lib/browser/loadable';
import { type PageCommand, usePageCommands } from '#lib/browser/page-commands';
import { findLanguageInfo } from '#lib/languages/infos';
import { SAMPLES } from '#lib/languages/samples';
import type { RunnerHealth } from '#lib/wire/code';
import { languageOptions } from './language-options.ts';
import { exampleOf, programNameError } from './program.ts';
import * as actions from './program-actions.ts';
import { downloads, type TextFile } from './program-files.ts';
import { programs } from './programs.ts';
import { PROGRAM_STRINGS as S } from './strings.ts';
import type { Tab } from './tab.ts';

const list = loadable(() => import('#components/playground/program-list').then(({ ProgramList }) => ProgramList));

interface ProgramBarProps {
  tab: Tab | undefined;
  health: RunnerHealth | undefined;
  isUnavailable: boolean;
  isRunning: boolean;
  editor: RefObject<EditorHandle | null>;
  onRun: () => void;
  onStop: () => void;
}

type OpenDialog = 'nothing' | 'rename' | 'all';

/** Name, language and examples of the program, and all that is done to it as a whole. */
export function ProgramBar({ tab, health, isUnavailable, isRunning, editor, onRun, onStop }: ProgramBarProps) {
  const [openDialog, setOpenDialog] = useState<OpenDialog>('nothing');
  const router = useRouter();
  const link = useLinkCopy();
  const { copy } = link;
  const filePicker = useRef<HTMLInputElement>(null);
  const isListThere = useLoaded(openDialog === 'all', list);
  const program = tab?.program;
  const language = program?.language ?? 'python';
  const options = useMemo(() => languageOptions(health, isUnavailable, language), [health, isUnavailable, language]);
  const close = (open: boolean) => {
    if (!open) setOpenDialog('nothing');
  };
  // The editor shows the program with the next render.
  const inEditor = (open: () => void) => {
    open();
    requestAnimationFrame(() => editor.current?.focus());
  };
  const chooseLanguage = (id: string) => {
    const info = findLanguageInfo(id);
    if (info !== undefined) actions.chooseLanguage(info.id);
  };

  usePageCommands(
    useMemo(() => {
      const command = (id: string, label: string, run: () => void): PageCommand => ({
        id: `playground-${id}`,
        group: S.commands,
        label,
        run,
      });
      return [
        isRunning
          ? command('stop', S.commandStop, onStop)
          : { ...command('run', S.commandRun, onRun), shortcut: 'Mod+Enter' },
        command('new', S.commandNew, () => actions.newProgram(language)),
        command('open', S.commandPrograms, () => setOpenDialog('all')),
        command('link', S.commandLink, () => void copy()),
        command('download', S.commandDownload, () => downloadAll(downloads(programs().store.tab().program))),
        ...SAMPLES[language].map((sample) =>
          command(`example-${sample.title}`, S.commandExample(sample.title), () =>
            actions.openExample(language, sample),
          ),
        ),
      ];
    }, [isRunning, language, onRun, onStop, copy]),
  );

  return (
    <>
      {program === undefined ? (
        <span aria-hidden className="flex h-8 w-44 min-w-0 shrink items-center px-2.5 max-[34rem]:flex-1">
          <span className="skeleton h-3.5 w-full max-w-28" />
        </span>
      ) : (
        <ProgramMenu
          id={program.id}
          name={program.name}
          isUnsaved={tab?.problem !== undefined}
          files={() => downloads(programs().store.tab().program)}
          timeout={program.timeout}
          hasExample={exampleOf(program) !== undefined && tab?.isEdited === true}
          onOpen={actions.openSaved}
          onAll={() => setOpenDialog('all')}
          onNew={() => inEditor(() => actions.newProgram(language))}
          onOpenFiles={() => filePicker.current?.click()}
          onRename={() => setOpenDialog('rename')}
          onDuplicate={() => actions.duplicateProgram(program.id)}
          onDownload={downloadAll}
          onTimeout={(timeout) => actions.setInputs({ timeout })}
          onCopyLink={() => void copy()}
          onReset={() => actions.resetToExample(editor.current?.replace)}
          onAsk={() => {
            void actions.draftQuestion();
            router.push('/');
          }}
          onDelete={() => actions.deleteProgram(program.id)}
        />
      )}
      {tab === undefined ? null : <SaveStatus tab={tab} />}
      <span className="flex-1 max-[34rem]:hidden" />
      <Select label={S.language} value={language} options={options} onChange={chooseLanguage} className="shrink-0" />
      <Menu
        align="start"
        trigger={
          <Button kind="quiet" className="pointer-coarse:min-w-10 max-[26rem]:px-2">
            <ListRestart className="size-4" strokeWidth={1.75} aria-hidden />
            <span className="max-[34rem]:sr-only">{S.examples}</span>
          </Button>
        }
        items={SAMPLES[language].map((sample) => ({
          label: sample.title,
          onSelect: () => inEditor(() => actions.openExample(language, sample)),
        }))}
      />
      <ShareButton link={link} />
      <LinkDialog link={link} />
      <FilePicker ref={filePicker} onChoose={(files) => void actions.takeFiles(files, 'program')} />
      <Dialog open={openDialog === 'rename'} onOpenChange={close} title={S.renameTitle}>
        {program === undefined ? null : (
          <NameForm
            key={program.id}
            label={S.name}
            name={program.name}
            errorOf={(name) => programNameError(name, actions.otherNames(program.id))}
            action={S.renameAction}
            onName={(name) => actions.renameProgram(program.id, name)}
            onDone={() => close(false)}
          />
        )}
      </Dialog>
      <Dialog open={openDialog === 'all' && isListThere} onOpenChange={close} title={S.allProgramsTitle}>
        <list.Component
          onOpen={(id) => {
            close(false);
            actions.openSaved(id);
          }}
        />
      </Dialog>
    </>
  );
}

/** Browsers ask before they save more than one. */
function downloadAll(files: readonly TextFile[]): void {
  for (const { name, content } of files) downloadText(name, content);
}
