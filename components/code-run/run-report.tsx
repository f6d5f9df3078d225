'use client';

import { useEffect, useState } from 'react';
import { type LocationLinks, ProgramOutput } from '#components/code-run/program-output';
import { Badge } from '#components/ui/badge';
import { Button } from '#components/ui/button';
import { Notice } from '#components/ui/notice';
import { formatBytes, formatDuration } from '#lib/browser/format';
import { isSignedOut, useModels } from '#lib/browser/service-status';
import type { CodeResult } from '#lib/wire/code';
import { stripAnsi } from './ansi.ts';
import { RUN_OUTCOMES } from './run-outcomes.ts';
import { CODE_RUN_STRINGS as STRINGS } from './strings.ts';
import type { CodeRun, RunLocation } from './use-code-run.ts';

/** How a run ended, in two words. */
export function statusWord({ status, exit_code }: CodeResult): string {
  return status === 'runtime_error' ? STRINGS.exitedWith(exit_code) : RUN_OUTCOMES[status].word;
}

export function RunStatusBadge({ run }: { run: CodeRun }) {
  return (
    <span role="status" className="flex min-w-0 flex-wrap items-center gap-x-2 gap-y-1">
      {run.state === 'running' ? <Running startedAt={run.startedAt} /> : null}
      {run.state === 'stopped' ? <Badge>{STRINGS.stopped}</Badge> : null}
      {run.state === 'failed' ? <Badge tone="error">{STRINGS.failedToRun}</Badge> : null}
      {run.state === 'sample' ? <Badge tone="warn">{STRINGS.example}</Badge> : null}
      {run.state === 'ended' ? (
        <Badge tone={RUN_OUTCOMES[run.result.status].tone}>{statusWord(run.result)}</Badge>
      ) : null}
      {run.state === 'ended' && run.place === 'browser' ? <Badge>{STRINGS.ranInBrowser}</Badge> : null}
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
  if (startedAt === undefined || now === undefined) return <Badge tone="accent">{STRINGS.loadingRuntime}</Badge>;
  return (
    <Badge tone="accent">
      {STRINGS.running}{' '}
      <span aria-hidden className="tabular">
        {(Math.max(0, now - startedAt) / 1000).toFixed(1)} s
      </span>
    </Badge>
  );
}

/** All output in order of arrival, without what controls a terminal. */
export function runOutputText(run: CodeRun): string {
  return run.state === 'idle' ? '' : stripAnsi(run.pieces.map((piece) => piece.text).join(''));
}

/** Whether a run ended in the compiler, whose first line is the most useful one. */
export function isCompilerOutput(run: CodeRun): boolean {
  return run.state === 'ended' && run.result.stage === 'compile';
}

interface RunOutputProps {
  run: CodeRun;
  onRetry: () => void;
  /** Links from output to source lines. */
  links?: LocationLinks | undefined;
  /** Leads to where input is entered. */
  input: { asked: string; reads: string; action: string; onOpen: () => void };
}

/** Shows the output of a run, and at most one sentence about how it ended. */
export function RunOutput({ run, onRetry, links, input }: RunOutputProps) {
  if (run.state === 'idle') return null;
  const { pieces } = run;
  const sentence = outcomeSentence(run);
  const messages = run.state === 'ended' && run.result.stage === 'run' ? (run.result.compile?.stderr ?? '') : '';
  return (
    <>
      {pieces.length === 0 ? null : <ProgramOutput pieces={pieces} links={links} />}
      {run.state === 'ended' && pieces.length === 0 && sentence === undefined ? (
        <p className="text-ink-3 text-sm">{STRINGS.noOutput}</p>
      ) : null}
      {sentence === undefined ? null : <Notice kind={sentence.kind}>{sentence.text}</Notice>}
      {run.state === 'ended' && run.input !== undefined ? (
        <Notice
          action={
            <Button size="sm" onClick={input.onOpen}>
              {input.action}
            </Button>
          }
        >
          {input[run.input]}
        </Notice>
      ) : null}
      {run.state === 'failed' ? (
        <Notice kind="error" action={<NextStep code={run.code} onRetry={onRetry} />}>
          {run.code === 'unauthorized' ? STRINGS.sessionHadEnded : run.message}
        </Notice>
      ) : null}
      {messages.trim() === '' ? null : (
        <details className="text-sm">
          <summary className="w-fit cursor-pointer rounded-sm text-ink-2 hover:text-ink pointer-coarse:py-2">
            {STRINGS.compilerMessages}
          </summary>
          <div className="pt-2">
            <ProgramOutput pieces={[{ stream: 'stdout', text: messages, at: 0 }]} links={links} />
          </div>
        </details>
      )}
    </>
  );
}

function NextStep({ code, onRetry }: { code: string; onRetry: () => void }) {
  const { error } = useModels();
  // The frame of the page has the button that signs in.
  if (code === 'unauthorized' && isSignedOut(error)) return null;
  return (
    <Button size="sm" onClick={onRetry}>
      {STRINGS.runAgain}
    </Button>
  );
}

function outcomeSentence(run: CodeRun): { kind: 'warn' | 'error'; text: string } | undefined {
  if (run.state === 'sample')
    return { kind: 'warn', text: run.isThisProgram ? STRINGS.exampleOnly : STRINGS.exampleOf(run.title) };
  if (run.state !== 'ended') return undefined;
  const { status, error, truncated } = run.result;
  if (error !== null && !(error === STRINGS.doesNotCompile && run.pieces.length > 0))
    return { kind: RUN_OUTCOMES[status].tone === 'warn' || status === 'runtime_error' ? 'warn' : 'error', text: error };
  return truncated ? { kind: 'warn', text: STRINGS.truncated(longestStreamKilobytes(run)) } : undefined;
}

/** In units of 1,000 bytes: a stream that was cut has as many as the runner keeps. */
function longestStreamKilobytes({ pieces }: Extract<CodeRun, { state: 'ended' }>): number {
  const bytes = { stdout: 0, stderr: 0 };
  const encoder = new TextEncoder();
  for (const { stream, text } of pieces) bytes[stream] += encoder.encode(text).length;
  return Math.round(Math.max(bytes.stdout, bytes.stderr) / 1000);
}

export function RunMetrics({ result, place }: { result: CodeResult; place: RunLocation }) {
  const figures: [string, string][] = [[STRINGS.time, formatDuration(result.duration_ms)]];
  if (place === 'server')
    figures.push([STRINGS.cpu, formatDuration(result.cpu_ms)], [STRINGS.memory, formatBytes(result.memory_kb * 1024)]);
  if (result.compile !== undefined && result.stage === 'run')
    figures.unshift([STRINGS.compileTime, formatDuration(result.compile.duration_ms)]);
  // The badge names any other exit code.
  if (result.status === 'success') figures.unshift([STRINGS.exitCode, String(result.exit_code)]);
  return (
    <dl className="flex flex-wrap gap-x-5 gap-y-1 text-xs">
      {figures.map(([name, value]) => (
        <div key={name} className="flex gap-1.5">
          <dt className="text-ink-3">{name}</dt>
          <dd className="font-medium tabular">{value}</dd>
        </div>
      ))}
    </dl>
  );
}
