'use client';

import clsx from 'clsx';
import { Play, Square } from 'lucide-react';
import { useCallback, useEffect, useId, useMemo, useRef } from 'react';
import type { EditorHandle } from '#components/playground/code-editor';
import { EditorBar } from '#components/playground/editor-bar';
import { FilePicker } from '#components/playground/file-picker';
import { FileTabs, tabId } from '#components/playground/file-tabs';
import { OutputPanel } from '#components/playground/output-panel';
import { Panes, usePanes } from '#components/playground/panes';
import { ProblemList } from '#components/playground/problem-list';
import { ProgramBar } from '#components/playground/program-bar';
import { ProgramEditor } from '#components/playground/program-editor';
import { ProgramInputs } from '#components/playground/program-inputs';
import { RunnerNotice } from '#components/playground/runner-notice';
import { PageBar } from '#components/shell/page-bar';
import { Button } from '#components/ui/button';
import { tip } from '#components/ui/tooltip';
import { useFileDrop } from '#lib/browser/use-file-drop';
import type { CodeRequest } from '#lib/wire/code';
import type { SourceLocation } from '../code-run/source-locations.ts';
import { languageOfFileName } from './language-options.ts';
import { FIRST_PROGRAM } from './program.ts';
import * as actions from './program-actions.ts';
import { programs } from './programs.ts';
import { splitArgs } from './split-args.ts';
import { PROGRAM_STRINGS as S } from './strings.ts';
import { type Problem, useDiagnostics } from './use-diagnostics.ts';
import { useRunOf, useTab } from './use-workspace.ts';
import { fileNamesInOutput, nextFileName, toCodeRequest } from './workspace.ts';

/** `isNew`: this browser stores no program. */
export function Playground({ isNew }: { isNew: boolean }) {
  const tab = useTab(isNew);
  const program = tab?.program;
  const {
    run,
    execute: runWhereItCan,
    stop,
    health,
    isUnavailable,
    recheckRunner,
  } = useRunOf(program?.id ?? FIRST_PROGRAM.id);
  const panes = usePanes(run);
  /** The editor is still loading. */
  const isFindWanted = useRef(false);
  const stdinField = useRef<HTMLTextAreaElement>(null);
  const editor = useRef<EditorHandle>(null);
  const filePicker = useRef<HTMLInputElement>(null);
  const panel = useId();
  const language = program?.language ?? 'python';
  const main = program?.files[0];
  const current = program?.files.find(({ id }) => id === tab?.file) ?? main;

  const request = (): CodeRequest => {
    if (program === undefined) return { language, code: '' };
    // An edit may be newer than the last render.
    const latest = programs().store.tab().program;
    return toCodeRequest(latest, splitArgs(latest.args));
  };
  const canCheck = program !== undefined && !isUnavailable && health?.languages.includes(language) === true;
  const { problems, check, clear: clearProblems } = useDiagnostics(canCheck, request);
  // The main file gets a new id with another program, and with another text that was not typed.
  useEffect(() => {
    clearProblems();
    if (main?.id !== undefined) check();
  }, [main?.id, clearProblems, check]);

  const execute = useLatest(() => {
    const input = request();
    if (input.code.trim() === '') return;
    panes.show('output');
    runWhereItCan(input);
  });
  useRunShortcut(execute);
  const find = () => {
    isFindWanted.current = editor.current === null;
    editor.current?.find();
  };

  const ids = useMemo(() => program?.files.map(({ id }) => id) ?? [], [program?.files]);
  const goTo = ({ file, line, column }: SourceLocation) => {
    const id = program?.files.find(({ name }) => name === file)?.id ?? main?.id;
    if (id === undefined) return;
    actions.showFile(id);
    panes.show('code');
    // The editor switches files with the next render.
    requestAnimationFrame(() => editor.current?.goTo(line, column));
  };
  const drop = useFileDrop((files) => {
    if (program !== undefined) void actions.takeFiles(files, actions.hasOwnProgram() ? 'files' : 'program');
  });

  return (
    <div className="relative flex min-h-0 flex-1 flex-col compact:overflow-y-auto" {...drop.handlers}>
      <PageBar>
        <h1 className="sr-only">{S.playground}</h1>
        <ProgramBar
          tab={tab}
          health={health}
          isUnavailable={isUnavailable}
          isRunning={run.state === 'running'}
          editor={editor}
          onRun={execute}
          onStop={stop}
        />
        {run.state === 'running' ? (
          <Button onClick={stop}>
            <Square className="size-3 fill-current" aria-hidden />
            {S.stop}
          </Button>
        ) : (
          <Button kind="primary" {...tip(S.runTip, 'Ctrl/Cmd+Enter', 'bottom')} onClick={execute}>
            <Play className="size-3.5 fill-current" aria-hidden />
            {S.run}
          </Button>
        )}
      </PageBar>
      <RunnerNotice health={health} isUnavailable={isUnavailable} language={language} onRetry={recheckRunner} />
      <Panes
        {...panes}
        run={run}
        code={
          program === undefined || current === undefined || main === undefined ? (
            <EditorSkeleton />
          ) : (
            <>
              <EditorBar onFind={find}>
                <FileTabs
                  files={program.files}
                  current={current}
                  panel={panel}
                  suggestedName={nextFileName(program)}
                  onShow={actions.showFile}
                  onAdd={actions.addFile}
                  onRename={actions.renameFile}
                  onDelete={actions.deleteFile}
                  onUpload={() => filePicker.current?.click()}
                />
              </EditorBar>
              <div id={panel} role="tabpanel" aria-labelledby={tabId(current.id)} className="min-h-0 flex-1">
                <ProgramEditor
                  handle={editor}
                  label={S.editor}
                  file={{ id: current.id, text: current.content, language: languageOfFileName(current.name) }}
                  ids={ids}
                  problems={current.id === main.id ? problems : NO_PROBLEMS}
                  onChange={(id, text) => {
                    actions.changeFile(id, text);
                    check();
                  }}
                  onRun={execute}
                  onLoaded={() => {
                    if (isFindWanted.current) find();
                  }}
                />
              </div>
              <ProblemList
                problems={problems}
                file={main.name}
                onGoTo={(line, column) => goTo({ file: main.name, line, column })}
              />
            </>
          )
        }
        input={
          <ProgramInputs
            stdin={program?.stdin ?? ''}
            args={program?.args ?? ''}
            onStdin={(stdin) => actions.setInputs({ stdin })}
            onArgs={(args) => actions.setInputs({ args })}
            stdinField={stdinField}
          />
        }
        output={
          <OutputPanel
            run={run}
            onRetry={execute}
            links={{ files: program === undefined ? [] : fileNamesInOutput(program), onPlace: goTo }}
            onOpenStdin={() => {
              panes.show('input');
              stdinField.current?.focus();
            }}
          />
        }
      />
      <FilePicker ref={filePicker} onChoose={(files) => void actions.takeFiles(files, 'files')} />
      {drop.isOver ? (
        <div className="pointer-events-none absolute inset-2 z-30 flex items-center justify-center rounded-lg border-2 border-accent border-dashed bg-canvas/85 font-medium">
          {S.dropFiles}
        </div>
      ) : null}
    </div>
  );
}

/** A function that is the same in each render and does what the latest one does. */
function useLatest(action: () => void): () => void {
  const latest = useRef(action);
  useEffect(() => {
    latest.current = action;
  });
  return useCallback(() => latest.current(), []);
}

const NO_PROBLEMS: readonly Problem[] = [];

/** Ctrl/Cmd+Enter outside the editor, which has a key binding for it. */
function useRunShortcut(execute: () => void): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey) || event.defaultPrevented || event.repeat) return;
      if (event.target instanceof Element && event.target.closest('[role=dialog], [role=alertdialog]') !== null) return;
      event.preventDefault();
      execute();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [execute]);
}

const SKELETON_WIDTHS = ['w-2/5', 'w-3/5', 'w-1/2', 'w-1/3', 'w-2/3', 'w-1/4'] as const;

function EditorSkeleton() {
  return (
    <div aria-hidden className="flex flex-1 flex-col gap-3 p-4 ps-14">
      {SKELETON_WIDTHS.map((width) => (
        <div key={width} className={clsx('skeleton h-3.5', width)} />
      ))}
    </div>
  );
}
