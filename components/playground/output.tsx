'use client';

import clsx from 'clsx';
import { useEffect, useRef, useState } from 'react';
import { Badge, type Tone } from '#components/ui/badge';
import { Button } from '#components/ui/button';
import { CopyButton } from '#components/ui/copy-button';
import { Notice } from '#components/ui/notice';
import { bytes, duration } from '#lib/client/format';
import type { Run } from '#lib/client/run';
import { usePinnedScroll } from '#lib/client/use-pinned-scroll';
import type { CodeResult, RunStatus } from '#lib/wire/code';

interface OutputProps {
  run: Run;
  onRetry: () => void;
}

export function Output({ run, onRetry }: OutputProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  usePinnedScroll(scroller, content);
  const pieces = run.state === 'idle' ? [] : run.pieces;
  const text = pieces.map((piece) => piece.text).join('');
  return (
    <section aria-label="Output" className="flex h-full min-h-0 flex-col bg-sunken">
      <div className="flex h-10 shrink-0 items-center gap-2 border-b ps-4 pe-1">
        <h2 className="font-medium text-sm">Output</h2>
        <RunState run={run} />
        <span className="flex-1" />
        {text === '' ? null : <CopyButton text={text} label="Copy the output" />}
      </div>
      <div ref={scroller} className="scroller min-h-0 flex-1" {...SCROLLABLE}>
        <div ref={content} className="flex min-h-full flex-col gap-3 p-4">
          {run.state === 'idle' ? (
            <p className="text-ink-3 text-sm">The program’s output appears here while it runs.</p>
          ) : null}
          {run.state === 'ended' && run.result.compile !== undefined && run.result.stage === 'compile' ? (
            <Compiler result={run.result} />
          ) : null}
          {pieces.length === 0 ? null : (
            <pre className="whitespace-pre-wrap font-mono text-sm leading-[1.6] [overflow-wrap:anywhere]" dir="ltr">
              {pieces.map((piece) => (
                <span key={piece.at} className={piece.stream === 'stderr' ? 'text-error' : undefined}>
                  {piece.text}
                </span>
              ))}
            </pre>
          )}
          {run.state === 'ended' && text === '' && run.result.stage === 'run' ? (
            <p className="text-ink-3 text-sm">The program wrote nothing.</p>
          ) : null}
          {run.state === 'ended' && run.result.error !== null ? (
            <Notice kind={run.result.status === 'runtime_error' ? 'warn' : 'error'}>{run.result.error}</Notice>
          ) : null}
          {run.state === 'ended' && run.result.truncated ? (
            <Notice kind="warn">The output was longer than the runner keeps; the rest is cut off.</Notice>
          ) : null}
          {run.state === 'failed' ? (
            <Notice
              kind="error"
              action={
                <Button size="sm" onClick={onRetry}>
                  Run again
                </Button>
              }
            >
              {run.message}
            </Notice>
          ) : null}
        </div>
      </div>
      {run.state === 'ended' ? <Figures result={run.result} /> : null}
    </section>
  );
}

const SCROLLABLE = { tabIndex: 0, role: 'region', 'aria-label': 'What the program wrote' } as const;

const STATUSES: Record<RunStatus, { tone: Tone; word: string }> = {
  success: { tone: 'good', word: 'Success' },
  runtime_error: { tone: 'error', word: 'Ended with an error' },
  compile_error: { tone: 'error', word: 'Does not compile' },
  timeout: { tone: 'warn', word: 'Out of time' },
  memory_limit: { tone: 'warn', word: 'Out of memory' },
  output_limit: { tone: 'warn', word: 'Too much output' },
  killed: { tone: 'warn', word: 'Killed' },
  internal_error: { tone: 'error', word: 'The runner failed' },
};

function RunState({ run }: { run: Run }) {
  return (
    <span role="status" className="flex items-center gap-2">
      {run.state === 'running' ? <Running startedAt={run.startedAt} /> : null}
      {run.state === 'stopped' ? <Badge>Stopped</Badge> : null}
      {run.state === 'failed' ? <Badge tone="error">Not run</Badge> : null}
      {run.state === 'ended' ? (
        <Badge tone={STATUSES[run.result.status].tone}>{STATUSES[run.result.status].word}</Badge>
      ) : null}
    </span>
  );
}

function Running({ startedAt }: { startedAt: number }) {
  const [now, setNow] = useState(startedAt);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 100);
    return () => clearInterval(timer);
  }, []);
  return (
    <Badge tone="accent">
      Running{' '}
      <span aria-hidden className="tabular">
        {((now - startedAt) / 1000).toFixed(1)} s
      </span>
    </Badge>
  );
}

function Compiler({ result }: { result: CodeResult }) {
  const text = [result.compile?.stdout, result.compile?.stderr]
    .filter((part) => part !== undefined && part !== '')
    .join('\n');
  if (text === '') return null;
  return (
    <pre className="whitespace-pre-wrap font-mono text-error text-sm leading-[1.6] [overflow-wrap:anywhere]" dir="ltr">
      {text}
    </pre>
  );
}

function Figures({ result }: { result: CodeResult }) {
  const figures: [string, string][] = [
    ['Exit code', String(result.exit_code)],
    ['Time', duration(result.duration_ms)],
    ['CPU', duration(result.cpu_ms)],
    ['Memory', bytes(result.memory_kb * 1024)],
  ];
  if (result.compile !== undefined) figures.splice(1, 0, ['Compiled in', duration(result.compile.duration_ms)]);
  return (
    <dl className="flex shrink-0 flex-wrap gap-x-5 gap-y-1 border-t px-4 py-2 text-xs">
      {figures.map(([name, value]) => (
        <div key={name} className="flex gap-1.5">
          <dt className="text-ink-3">{name}</dt>
          <dd className={clsx('font-medium tabular', name === 'Exit code' && result.exit_code !== 0 && 'text-error')}>
            {value}
          </dd>
        </div>
      ))}
    </dl>
  );
}
