import { useCallback, useEffect, useRef, useState } from 'react';
import { ApiError } from '#lib/client/request';
import { runCode } from '#lib/client/run-api';
import type { CodeRequest, CodeResult } from '#lib/wire/code';

export interface OutputPiece {
  stream: 'stdout' | 'stderr';
  text: string;
  /** How many characters came before it. */
  at: number;
}

/** Where a program runs: at the runner, or in this browser, where neither CPU time nor memory is known. */
export type RunPlace = 'server' | 'browser';

export type Run =
  | { state: 'idle' }
  /** `startedAt` is undefined while the engine of demo mode is still being loaded. */
  | { state: 'running'; pieces: readonly OutputPiece[]; startedAt: number | undefined }
  | { state: 'ended'; pieces: readonly OutputPiece[]; result: CodeResult; place: RunPlace }
  /** Nothing was run: what the runner wrote for the sample `title` when it was recorded. */
  | { state: 'sample'; pieces: readonly OutputPiece[]; title: string; isThisProgram: boolean }
  | { state: 'stopped'; pieces: readonly OutputPiece[] }
  | { state: 'failed'; pieces: readonly OutputPiece[]; message: string; code: string };

export interface Runs {
  run: Run;
  start: (program: CodeRequest, place?: RunPlace) => void;
  /** Shows what a sample writes, in a language that cannot be run now. */
  showSample: (sample: { title: string; output: string; isThisProgram: boolean }) => void;
  stop: () => void;
  clear: () => void;
}

/** Runs one program at a time, and shows its output at most once a frame. */
export function useRun(): Runs {
  const [run, setRun] = useState<Run>({ state: 'idle' });
  const abort = useRef<AbortController>(null);

  const stop = useCallback(() => abort.current?.abort(), []);
  useEffect(() => stop, [stop]);

  const start = useCallback((program: CodeRequest, place: RunPlace = 'server') => {
    abort.current?.abort();
    const controller = new AbortController();
    abort.current = controller;
    void follow(program, place, controller.signal, (next) => {
      if (abort.current === controller) setRun(next);
    });
  }, []);

  const clear = useCallback(() => {
    abort.current?.abort();
    abort.current = null;
    setRun({ state: 'idle' });
  }, []);

  const showSample = useCallback<Runs['showSample']>(({ title, output, isThisProgram }) => {
    abort.current?.abort();
    abort.current = null;
    setRun({ state: 'sample', pieces: [{ stream: 'stdout', text: output, at: 0 }], title, isThisProgram });
  }, []);

  return { run, start, showSample, stop, clear };
}

async function follow(
  program: CodeRequest,
  place: RunPlace,
  signal: AbortSignal,
  show: (run: Run) => void,
): Promise<void> {
  let startedAt = place === 'server' ? Date.now() : undefined;
  let pieces: OutputPiece[] = [];
  let frame = 0;
  const running = () => show({ state: 'running', pieces: [...pieces], startedAt });
  running();
  try {
    for await (const event of place === 'server' ? runCode(program, signal) : await runHere(program, signal)) {
      if (event.type === 'started') {
        startedAt = Date.now();
        running();
        continue;
      }
      if (event.type === 'result') {
        cancelAnimationFrame(frame);
        // A runner that does not stream has its output in the result only.
        if (pieces.length === 0) pieces = fromResult(event.result);
        show({ state: 'ended', pieces, result: event.result, place });
        return;
      }
      append(pieces, event);
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(running);
    }
  } catch (error) {
    cancelAnimationFrame(frame);
    if (signal.aborted) show({ state: 'stopped', pieces });
    else if (error instanceof ApiError) show({ state: 'failed', pieces, message: error.message, code: error.code });
    else
      show({
        state: 'failed',
        pieces,
        message: 'The page could not read the output. Run it again.',
        code: 'internal_error',
      });
  }
}

/** Demo mode's code comes with its first run. */
async function runHere(program: CodeRequest, signal: AbortSignal) {
  const { runDemo } = await import('#lib/client/demo/demo-run');
  return runDemo(program, signal);
}

/** Pieces of one stream that follow one another become one, so that a chatty program stays a few nodes. */
export function append(pieces: OutputPiece[], { stream, text }: Omit<OutputPiece, 'at'>): void {
  const last = pieces.at(-1);
  if (last?.stream === stream) pieces[pieces.length - 1] = { ...last, text: last.text + text };
  else pieces.push({ stream, text, at: last === undefined ? 0 : last.at + last.text.length });
}

function fromResult(result: CodeResult): OutputPiece[] {
  const pieces: OutputPiece[] = [];
  for (const stream of ['stdout', 'stderr'] as const)
    if (result[stream] !== '') append(pieces, { stream, text: result[stream] });
  return pieces;
}
