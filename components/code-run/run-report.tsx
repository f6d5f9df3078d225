'use client';

import clsx from 'clsx';
import { useEffect, useState } from 'react';
import { type LocationLinks, ProgramOutput } from '#components/code-run/program-output';
import { Badge, type Tone } from '#components/ui/badge';
import { Button } from '#components/ui/button';
import { Notice } from '#components/ui/notice';
import { formatBytes, formatDuration } from '#lib/browser/format';
import type { CodeResult, RunStatus } from '#lib/wire/code';
import type { CodeRun, RunLocation } from './use-code-run.ts';

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

export function RunStatusBadge({ run }: { run: CodeRun }) {
  return (
    <span role="status" className="flex items-center gap-2">
      {run.state === 'running' ? <Running startedAt={run.startedAt} /> : null}
      {run.state === 'stopped' ? <Badge>Stopped</Badge> : null}
      {run.state === 'failed' ? <Badge tone="error">Not run</Badge> : null}
      {run.state === 'sample' ? <Badge tone="warn">Sample result</Badge> : null}
      {run.state === 'ended' ? (
        <Badge tone={STATUSES[run.result.status].tone}>{STATUSES[run.result.status].word}</Badge>
      ) : null}
      {run.state === 'ended' && run.place === 'browser' ? <Badge>Ran in your browser</Badge> : null}
    </span>
  );
}

function Running({ startedAt }: { startedAt: number | undefined }) {
  const [now, setNow] = useState(startedAt);
  useEffect(() => {
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 100);
    return () => clearInterval(timer);
  }, []);
  if (startedAt === undefined || now === undefined) return <Badge tone="accent">Loading what runs it</Badge>;
  return (
    <Badge tone="accent">
      Running{' '}
      <span aria-hidden className="tabular">
        {(Math.max(0, now - startedAt) / 1000).toFixed(1)} s
      </span>
    </Badge>
  );
}

/** All output in order of arrival. */
export function runOutputText(run: CodeRun): string {
  return run.state === 'idle' ? '' : run.pieces.map((piece) => piece.text).join('');
}

interface RunOutputProps {
  run: CodeRun;
  onRetry: () => void;
  /** Links from output to source lines. */
  links?: LocationLinks;
}

export function RunOutput({ run, onRetry, links }: RunOutputProps) {
  const pieces = run.state === 'idle' ? [] : run.pieces;
  const result = run.state === 'ended' ? run.result : undefined;
  const compiler = result?.stage === 'compile' ? compilerText(result) : '';
  return (
    <>
      {compiler === '' ? null : <ProgramOutput pieces={[{ stream: 'stderr', text: compiler, at: 0 }]} links={links} />}
      {pieces.length === 0 ? null : <ProgramOutput pieces={pieces} links={links} />}
      {result !== undefined && result.error === null && pieces.length === 0 && compiler === '' ? (
        <p className="text-ink-3 text-sm">The program wrote nothing.</p>
      ) : null}
      {result === undefined || result.error === null ? null : (
        <Notice kind={result.status === 'runtime_error' ? 'warn' : 'error'}>{result.error}</Notice>
      )}
      {result?.truncated === true ? (
        <Notice kind="warn">The output was longer than the runner keeps; the rest is cut off.</Notice>
      ) : null}
      {run.state === 'sample' ? (
        <Notice kind="warn">
          Nothing was run: this is what the sample “{run.title}” writes
          {run.isThisProgram ? '.' : ', not your program.'} Yours runs when the code runner is back.
        </Notice>
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
    </>
  );
}

function compilerText({ compile }: CodeResult): string {
  return [compile?.stdout, compile?.stderr].filter((part) => part !== undefined && part !== '').join('\n');
}

export function RunMetrics({ result, place }: { result: CodeResult; place: RunLocation }) {
  const figures: [string, string][] = [
    ['Exit code', String(result.exit_code)],
    ['Time', formatDuration(result.duration_ms)],
  ];
  if (place === 'server')
    figures.push(['CPU', formatDuration(result.cpu_ms)], ['Memory', formatBytes(result.memory_kb * 1024)]);
  if (result.compile !== undefined) figures.splice(1, 0, ['Compiled in', formatDuration(result.compile.duration_ms)]);
  return (
    <dl className="flex flex-wrap gap-x-5 gap-y-1 text-xs">
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
