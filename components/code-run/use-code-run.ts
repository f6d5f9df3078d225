import { useCallback, useEffect, useRef, useState } from 'react';
import { ApiError } from '#lib/browser/api-client';
import type { CodeRequest, CodeResult } from '#lib/wire/code';
import { runCode } from './run-api.ts';

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
  | { state: 'ended'; pieces: readonly OutputChunk[]; result: CodeResult; place: RunLocation }
  /** Nothing ran: the recorded output of the sample `title`. */
  | { state: 'sample'; pieces: readonly OutputChunk[]; title: string; isThisProgram: boolean }
  | { state: 'stopped'; pieces: readonly OutputChunk[] }
  | { state: 'failed'; pieces: readonly OutputChunk[]; message: string; code: string };

export interface CodeRunControls {
  run: CodeRun;
  start: (program: CodeRequest, place?: RunLocation) => void;
  /** Shows a sample's recorded output, for a language that cannot run now. */
  showSample: (sample: { title: string; output: string; isThisProgram: boolean }) => void;
  stop: () => void;
  clear: () => void;
}

/** Runs one program at a time. Output is rendered at most once per frame. */
export function useCodeRun(): CodeRunControls {
  const [run, setRun] = useState<CodeRun>({ state: 'idle' });
  const abort = useRef<AbortController>(null);

  const stop = useCallback(() => abort.current?.abort(), []);
  useEffect(() => stop, [stop]);

  const start = useCallback((program: CodeRequest, place: RunLocation = 'server') => {
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

  const showSample = useCallback<CodeRunControls['showSample']>(({ title, output, isThisProgram }) => {
    abort.current?.abort();
    abort.current = null;
    setRun({ state: 'sample', pieces: [{ stream: 'stdout', text: output, at: 0 }], title, isThisProgram });
  }, []);

  return { run, start, showSample, stop, clear };
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
        // A runner that does not stream puts the output into the result.
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

/** The code of demo mode is loaded with its first run. */
async function runInBrowser(program: CodeRequest, signal: AbortSignal) {
  const { runDemo } = await import('./demo/demo-run.ts');
  return runDemo(program, signal);
}

/** Merges consecutive chunks of one stream, so that a chatty program needs few elements. */
export function append(pieces: OutputChunk[], { stream, text }: Omit<OutputChunk, 'at'>): void {
  const last = pieces.at(-1);
  if (last?.stream === stream) pieces[pieces.length - 1] = { ...last, text: last.text + text };
  else pieces.push({ stream, text, at: last === undefined ? 0 : last.at + last.text.length });
}

function fromResult(result: CodeResult): OutputChunk[] {
  const pieces: OutputChunk[] = [];
  for (const stream of ['stdout', 'stderr'] as const)
    if (result[stream] !== '') append(pieces, { stream, text: result[stream] });
  return pieces;
}
