'use client';

import clsx from 'clsx';
import { ListRestart, Play, Square } from 'lucide-react';
import dynamic from 'next/dynamic';
import { useEffect, useMemo, useRef, useState } from 'react';
import type { EditorHandle } from '#components/playground/code-editor';
import { Divider } from '#components/playground/divider';
import { Output } from '#components/playground/output';
import { RunnerNotice } from '#components/playground/runner-notice';
import { ShareButton } from '#components/playground/share-button';
import { PageBar } from '#components/shell/page-bar';
import { Button } from '#components/ui/button';
import { Menu } from '#components/ui/menu';
import { Select } from '#components/ui/select';
import { tip } from '#components/ui/tooltip';
import { splitArguments } from '#lib/client/arguments';
import { languageOptions, savedCode } from '#lib/client/languages';
import { useRun } from '#lib/client/run';
import { type Sample, sheetOf } from '#lib/client/samples';
import { fromFragment, toFragment } from '#lib/client/share';
import { useRunnerHealth } from '#lib/client/status';
import { readStored, writeStored } from '#lib/client/stored';
import type { CodeRequest, LanguageId } from '#lib/wire/code';

const CodeEditor = dynamic(() => import('#components/playground/code-editor'), { ssr: false, loading: EditorSkeleton });

export function Playground() {
  const health = useRunnerHealth();
  const { run, start, stop, clear } = useRun();
  const [language, setLanguage] = useState<LanguageId>('python');
  const [ready, setReady] = useState(false);
  const [stdin, setStdin] = useState('');
  const [args, setArgs] = useState('');
  const [width, setWidth] = useState(0.56);
  const code = useRef('');
  const editor = useRef<EditorHandle>(null);
  const isRunning = run.state === 'running';

  // A link's program, or what was written last, before the editor is built.
  useEffect(() => {
    let isCurrent = true;
    void fromFragment(window.location.hash).then((shared) => {
      if (!isCurrent) return;
      const last = sheetOf(shared?.language ?? readStored('playground:language'))?.id ?? 'python';
      code.current = shared?.code ?? savedCode(last);
      setStdin(shared?.stdin ?? '');
      setArgs(shared?.args ?? '');
      setLanguage(last);
      setReady(true);
    });
    return () => {
      isCurrent = false;
    };
  }, []);

  const options = useMemo(() => languageOptions(health.data, language), [health.data, language]);

  const execute = () => {
    if (code.current.trim() === '') return;
    const program: CodeRequest = { language, code: code.current };
    if (stdin !== '') program.stdin = stdin;
    const words = splitArguments(args);
    if (words.length > 0) program.args = words;
    start(program);
  };
  const chooseLanguage = (id: string) => {
    const sheet = sheetOf(id);
    if (sheet === undefined) return;
    writeStored('playground:language', sheet.id);
    code.current = savedCode(sheet.id);
    setLanguage(sheet.id);
    editor.current?.replace(code.current, sheet.id);
    clear();
  };
  const open = (sample: Sample) => {
    code.current = sample.code;
    writeStored(`playground:${language}`, sample.code);
    editor.current?.replace(sample.code, language);
    setStdin(sample.stdin ?? '');
    clear();
    editor.current?.focus();
  };

  const share = async () => {
    const program = {
      language,
      code: code.current,
      ...(stdin === '' ? {} : { stdin }),
      ...(args === '' ? {} : { args }),
    };
    const url = new URL(window.location.href);
    url.hash = await toFragment(program);
    window.history.replaceState(null, '', url);
    return url.href;
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
          items={(sheetOf(language)?.samples ?? []).map((sample) => ({
            label: sample.title,
            onSelect: () => open(sample),
          }))}
        />
        <span className="flex-1" />
        <ShareButton link={share} />
        {isRunning ? (
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
      <RunnerNotice health={health.data} error={health.error} onRetry={() => void health.mutate()} />
      <div className="flex min-h-0 flex-1 flex-col lg:flex-row" style={{ '--share': `${width * 100}%` }}>
        <div className="flex min-h-0 flex-col max-lg:h-[56%] lg:w-(--share)">
          <div className="min-h-0 flex-1">
            {ready ? (
              <CodeEditor
                handle={editor}
                initialText={code.current}
                initialLanguage={language}
                onChange={(text) => {
                  code.current = text;
                  writeStored(`playground:${language}`, text);
                }}
                onRun={execute}
              />
            ) : (
              <EditorSkeleton />
            )}
          </div>
          <Inputs stdin={stdin} args={args} onStdin={setStdin} onArgs={setArgs} onRun={execute} />
        </div>
        <Divider share={width} onShare={setWidth} />
        <div className="min-h-0 min-w-0 flex-1 max-lg:border-t">
          <Output run={run} onRetry={execute} />
        </div>
      </div>
    </div>
  );
}

interface InputsProps {
  stdin: string;
  args: string;
  onStdin: (text: string) => void;
  onArgs: (text: string) => void;
  onRun: () => void;
}

function Inputs({ stdin, args, onStdin, onArgs, onRun }: InputsProps) {
  const onKeyDown = (event: React.KeyboardEvent) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      onRun();
    }
  };
  return (
    <div className="grid shrink-0 grid-cols-1 border-t sm:grid-cols-[2fr_1fr]">
      <label className="flex items-start gap-3 px-4 py-2.5 focus-within:bg-sunken">
        <span className="w-12 shrink-0 pt-0.5 text-ink-2 text-xs sm:w-auto">Input</span>
        <textarea
          rows={2}
          value={stdin}
          onChange={(event) => onStdin(event.target.value)}
          onKeyDown={onKeyDown}
          placeholder="What the program reads from stdin"
          spellCheck={false}
          className="min-w-0 flex-1 resize-none bg-transparent font-mono text-sm outline-none placeholder:font-sans placeholder:text-ink-3"
        />
      </label>
      <label className="flex items-start gap-3 px-4 py-2.5 focus-within:bg-sunken max-sm:border-t sm:border-s">
        <span className="w-12 shrink-0 pt-0.5 text-ink-2 text-xs sm:w-auto">Args</span>
        <input
          value={args}
          onChange={(event) => onArgs(event.target.value)}
          onKeyDown={onKeyDown}
          placeholder={'--name "two words"'}
          spellCheck={false}
          className="min-w-0 flex-1 bg-transparent font-mono text-sm outline-none placeholder:text-ink-3"
        />
      </label>
    </div>
  );
}

const SKELETON_WIDTHS = ['w-2/5', 'w-3/5', 'w-1/2', 'w-1/3', 'w-2/3', 'w-1/4'] as const;

function EditorSkeleton() {
  return (
    <div aria-hidden className="flex flex-col gap-3 p-4 ps-14">
      {SKELETON_WIDTHS.map((width) => (
        <div key={width} className={clsx('skeleton h-3.5', width)} />
      ))}
    </div>
  );
}
