'use client';

import clsx from 'clsx';
import { ListRestart, Play, Square } from 'lucide-react';
import { useEffect, useId, useMemo, useRef, useState } from 'react';
import type { EditorHandle } from '#components/playground/code-editor';
import { FileTabs, tabId } from '#components/playground/file-tabs';
import { OutputPanel } from '#components/playground/output-panel';
import { ProblemList } from '#components/playground/problem-list';
import { ProgramEditor } from '#components/playground/program-editor';
import { ProgramInputs } from '#components/playground/program-inputs';
import { Resizer } from '#components/playground/resizer';
import { RunnerNotice } from '#components/playground/runner-notice';
import { ShareButton } from '#components/playground/share-button';
import { PageBar } from '#components/shell/page-bar';
import { Button } from '#components/ui/button';
import { Menu } from '#components/ui/menu';
import { Select } from '#components/ui/select';
import { tip } from '#components/ui/tooltip';
import { findLanguageInfo } from '#lib/languages/infos';
import type { SampleProgram } from '#lib/languages/language-info';
import { SAMPLES } from '#lib/languages/samples';
import type { CodeRequest } from '#lib/wire/code';
import type { SourceLocation } from '../code-run/source-locations.ts';
import { useProgramRun } from '../code-run/use-program-run.ts';
import { languageOfFileName, languageOptions, sampleResult } from './language-options.ts';
import { splitArgs } from './split-args.ts';
import { type Problem, useDiagnostics } from './use-diagnostics.ts';
import { useWorkspace } from './use-workspace.ts';
import { fileNamesInOutput, nextFileName, toCodeRequest } from './workspace.ts';

/** `isNew`: this browser stores no program. */
export function Playground({ isNew }: { isNew: boolean }) {
  const {
    run,
    execute: runWhereItCan,
    showSample,
    stop,
    clear: clearRun,
    health,
    isUnavailable,
    recheckRunner,
  } = useProgramRun();
  const { workspace, current, now, change: changeFile, ...files } = useWorkspace(isNew);
  const [width, setWidth] = useState(0.56);
  const editor = useRef<EditorHandle>(null);
  const panel = useId();
  const language = workspace?.language ?? 'python';
  const main = workspace?.files[0];

  const request = (): CodeRequest => {
    const program = now();
    return program === undefined ? { language, code: '' } : toCodeRequest(program, splitArgs(program.args));
  };
  const canCheck = workspace !== undefined && !isUnavailable && health?.languages.includes(language) === true;
  const { problems, check, clear: clearProblems } = useDiagnostics(canCheck, request);

  const execute = () => {
    const program = request();
    if (program.code.trim() === '' || runWhereItCan(program)) return;
    const sample = sampleResult(language, program.code);
    if (sample !== undefined) showSample(sample);
  };
  useRunShortcut(execute);

  const options = useMemo(() => languageOptions(health, isUnavailable, language), [health, isUnavailable, language]);
  const ids = useMemo(() => workspace?.files.map(({ id }) => id) ?? [], [workspace?.files]);

  const restart = (change: () => void) => {
    clearProblems();
    clearRun();
    change();
    check();
  };
  const chooseLanguage = (id: string) => {
    const info = findLanguageInfo(id);
    if (info !== undefined) restart(() => files.chooseLanguage(info.id));
  };
  const openSample = (sample: SampleProgram) => {
    restart(() => files.openSample(sample));
    editor.current?.focus();
  };
  const goTo = ({ file, line, column }: SourceLocation) => {
    const id = workspace?.files.find(({ name }) => name === file)?.id ?? main?.id;
    if (id === undefined) return;
    files.show(id);
    // The editor switches files with the next render.
    requestAnimationFrame(() => editor.current?.goTo(line, column));
  };

  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <PageBar>
        <h1 className="sr-only">Playground</h1>
        <Select label="Language" value={language} options={options} onChange={chooseLanguage} />
        <Menu
          align="start"
          trigger={
            <Button kind="quiet">
              <ListRestart className="size-4" strokeWidth={1.75} aria-hidden />
              <span className="max-[26rem]:sr-only">Samples</span>
            </Button>
          }
          items={SAMPLES[language].map((sample) => ({
            label: sample.title,
            onSelect: () => openSample(sample),
          }))}
        />
        <span className="flex-1" />
        <ShareButton link={files.link} />
        {run.state === 'running' ? (
          <Button onClick={stop}>
            <Square className="size-3 fill-current" aria-hidden />
            Stop
          </Button>
        ) : (
          <Button kind="primary" {...tip('Run the program', 'Ctrl/Cmd+Enter', 'bottom')} onClick={execute}>
            <Play className="size-3.5 fill-current" aria-hidden />
            Run
          </Button>
        )}
      </PageBar>
      <RunnerNotice health={health} isUnavailable={isUnavailable} language={language} onRetry={recheckRunner} />
      <div className="flex min-h-0 flex-1 flex-col lg:flex-row" style={{ '--share': `${width * 100}%` }}>
        <div className="flex min-h-0 min-w-0 flex-col max-lg:h-[56%] lg:w-(--share)">
          {workspace === undefined || current === undefined || main === undefined ? (
            <EditorSkeleton />
          ) : (
            <>
              <FileTabs
                files={workspace.files}
                current={current}
                panel={panel}
                suggestedName={nextFileName(workspace)}
                onShow={files.show}
                onAdd={files.addFile}
                onRename={files.renameFile}
                onDelete={files.deleteFile}
              />
              <div id={panel} role="tabpanel" aria-labelledby={tabId(current.id)} className="min-h-0 flex-1">
                <ProgramEditor
                  handle={editor}
                  label="Program"
                  file={{ id: current.id, text: current.content, language: languageOfFileName(current.name) }}
                  ids={ids}
                  problems={current.id === main.id ? problems : NO_PROBLEMS}
                  onChange={(id, text) => {
                    changeFile(id, text);
                    check();
                  }}
                  onRun={execute}
                />
              </div>
              <ProblemList
                problems={problems}
                file={main.name}
                onGoTo={(line, column) => goTo({ file: main.name, line, column })}
              />
            </>
          )}
          <ProgramInputs
            stdin={workspace?.stdin ?? ''}
            args={workspace?.args ?? ''}
            onStdin={(stdin) => files.set({ stdin })}
            onArgs={(args) => files.set({ args })}
          />
        </div>
        <Resizer share={width} onShare={setWidth} />
        <div className="min-h-0 min-w-0 flex-1 max-lg:border-t">
          <OutputPanel
            run={run}
            onRetry={execute}
            links={{ files: workspace === undefined ? [] : fileNamesInOutput(workspace), onPlace: goTo }}
          />
        </div>
      </div>
    </div>
  );
}

const NO_PROBLEMS: readonly Problem[] = [];

/** Ctrl/Cmd+Enter outside the editor, which has a key binding for it. */
function useRunShortcut(execute: () => void): void {
  const latest = useRef(execute);
  useEffect(() => {
    latest.current = execute;
  });
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey) || event.defaultPrevented || event.repeat) return;
      if (event.target instanceof Element && event.target.closest('[role=dialog], [role=alertdialog]') !== null) return;
      event.preventDefault();
      latest.current();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, []);
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
