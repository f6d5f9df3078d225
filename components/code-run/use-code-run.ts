import { useCallback, useEffect, useRef, useState } from 'react';
import { ApiError } from '#lib/browser/api-client';
import { errorSentence } from '#lib/browser/error-sentence';
import { formatBytes } from '#lib/browser/format';
import type { CodeRequest, CodeResult } from '#lib/wire/code';
import { type MissingInput, missingInput } from './missing-input.ts';
import { runCode } from './run-api.ts';
import { CODE_RUN_STRINGS as STRINGS } from './strings.ts';

export interface OutputChunk {
  stream: 'stdout' | 'stderr';
  text: string;
  /** The number of characters before it. */
  at: number;
}

/** On the server, or in this browser, where neither CPU time nor memory is known. */
export type RunLocation = 'server' | 'browser';

export type CodeRun =
  | { state: 'idle' }
  /** `startedAt` is undefined while the demo engine loads. */
  | { state: 'running'; pieces: readonly OutputChunk[]; startedAt: number | undefined }
  | {
      state: 'ended';
      pieces: readonly OutputChunk[];
      result: CodeResult;
      place: RunLocation;
      /** The program would have needed input, and had none. */
      input?: MissingInput | undefined;
    }
  /** Nothing ran: the recorded output of the sample `title`. */
  | { state: 'sample'; pieces: readonly OutputChunk[]; title: string; isThisProgram: boolean }
  | { state: 'stopped'; pieces: readonly OutputChunk[] }
  | { state: 'failed'; pieces: readonly OutputChunk[]; message: string; code: string };

export interface CodeRunControls {
  run: CodeRun;
  start: (program: CodeRequest, place?: RunLocation) => void;
  stop: () => void;
  clear: () => void;
}

export interface RestorableRun extends CodeRunControls {
  /** Shows the result of an earlier run. */
  restore: (run: CodeRun) => void;
}

/**
 * Runs one program at a time. Output is rendered at most once per frame. `onEnd` gets the last
 * state of each run, also of one that is stopped because the component is removed.
 */
export function useCodeRun(onEnd?: (program: CodeRequest, run: CodeRun) => void): RestorableRun {
  const [run, setRun] = useState<CodeRun>({ state: 'idle' });
  const abort = useRef<AbortController>(null);

  const stop = useCallback(() => abort.current?.abort(), []);
  useEffect(() => stop, [stop]);
  useLeaveWarning(run.state === 'running');
  const latestOnEnd = useRef(onEnd);
  useEffect(() => {
    latestOnEnd.current = onEnd;
  });

  const start = useCallback((program: CodeRequest, place: RunLocation = 'server') => {
    abort.current?.abort();
    const controller = new AbortController();
    abort.current = controller;
    void follow(program, place, controller.signal, (next) => {
      if (abort.current !== controller) return;
      setRun(next);
      if (next.state !== 'running') latestOnEnd.current?.(program, next);
    });
  }, []);

  const clear = useCallback(() => {
    abort.current?.abort();
    abort.current = null;
    setRun({ state: 'idle' });
  }, []);

  const restore = useCallback((earlier: CodeRun) => {
    abort.current?.abort();
    abort.current = null;
    setRun(earlier);
  }, []);

  return { run, start, stop, clear, restore };
}

/** The browser asks before it leaves the page, which would kill the program. */
function useLeaveWarning(isRunning: boolean): void {
  useEffect(() => {
    if (!isRunning) return;
    const onLeave = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener('beforeunload', onLeave);
    return () => window.removeEventListener('beforeunload', onLeave);
  }, [isRunning]);
}

/** Runs the program and calls `show` with each new state, the last one being its end. */
export async function follow(
  program: CodeRequest,
  place: RunLocation,
  signal: AbortSignal,
  show: (run: CodeRun) => void,
): Promise<void> {
  let startedAt = place === 'server' ? Date.now() : undefined;
  let pieces: OutputChunk[] = [];
  let frame = 0;
  const running = () => show({ state: 'running', pieces: [...pieces], startedAt });
  running();
  try {
    for await (const event of place === 'server' ? runCode(program, signal) : await runInBrowser(program, signal)) {
      if (event.type === 'started') {
        startedAt = Date.now();
        running();
        continue;
      }
      if (event.type === 'result') {
        cancelAnimationFrame(frame);
        // A compiler, and a runner that does not stream, puts the output into the result.
        if (pieces.length === 0) pieces = fromResult(event.result);
        show({ state: 'ended', pieces, result: event.result, place, input: missingInput(program, event.result) });
        return;
      }
      append(pieces, event);
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(running);
    }
  } catch (error) {
    cancelAnimationFrame(frame);
    if (signal.aborted) show({ state: 'stopped', pieces });
    else if (error instanceof ApiError) show({ state: 'failed', pieces, message: sentenceOf(error), code: error.code });
    else show({ state: 'failed', pieces, message: STRINGS.unreadable, code: 'internal_error' });
  }
}

/** As `errorSentence`, which speaks of messages and their responses. */
function sentenceOf(error: ApiError): string {
  if (error.code === 'connection_lost') return STRINGS.connectionLost;
  const { size_bytes: size, limit_bytes: limit } = error.data;
  if (error.code !== 'body_too_large' || typeof limit !== 'number') return errorSentence(error);
  return typeof size === 'number'
    ? STRINGS.tooLarge(formatBytes(size), formatBytes(limit))
    : STRINGS.tooLargeFor(formatBytes(limit));
}

/** The code of demo mode is loaded with its first run. */
async function runInBrowser(program: CodeRequest, signal: AbortSignal) {
  const { runDemo } = await import('./demo/demo-run.ts');
  return runDemo(program, signal);
}

/** Merges consecutive chunks of one stream, so that a chatty program needs few elements. */
function append(pieces: OutputChunk[], { stream, text }: Omit<OutputChunk, 'at'>): void {
  const last = pieces.at(-1);
  if (last?.stream === stream) pieces[pieces.length - 1] = { ...last, text: last.text + text };
  else pieces.push({ stream, text, at: last === undefined ? 0 : last.at + last.text.length });
}

/** A program that does not compile has the compiler's output, which the result repeats. */
export function fromResult({ stdout, stderr, stage, compile }: CodeResult): OutputChunk[] {
  const hasOutput = stdout !== '' || stderr !== '';
  const shown = hasOutput || stage === 'run' || compile === undefined ? { stdout, stderr } : compile;
  const pieces: OutputChunk[] = [];
  for (const stream of ['stdout', 'stderr'] as const)
    if (shown[stream] !== '') append(pieces, { stream, text: shown[stream] });
  return pieces;
}
