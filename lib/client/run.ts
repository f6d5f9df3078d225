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

export type Run =
  | { state: 'idle' }
  | { state: 'running'; pieces: readonly OutputPiece[]; startedAt: number }
  | { state: 'ended'; pieces: readonly OutputPiece[]; result: CodeResult }
  | { state: 'stopped'; pieces: readonly OutputPiece[] }
  | { state: 'failed'; pieces: readonly OutputPiece[]; message: string; code: string };

/** Runs one program at a time, and shows its output at most once a frame. */
export function useRun(): { run: Run; start: (program: CodeRequest) => void; stop: () => void; clear: () => void } {
  const [run, setRun] = useState<Run>({ state: 'idle' });
  const abort = useRef<AbortController>(null);

  const stop = useCallback(() => abort.current?.abort(), []);
  useEffect(() => stop, [stop]);

  const start = useCallback((program: CodeRequest) => {
    abort.current?.abort();
    const controller = new AbortController();
    abort.current = controller;
    void follow(program, controller.signal, (next) => {
      if (abort.current === controller) setRun(next);
    });
  }, []);

  const clear = useCallback(() => {
    abort.current?.abort();
    abort.current = null;
    setRun({ state: 'idle' });
  }, []);

  return { run, start, stop, clear };
}

async function follow(program: CodeRequest, signal: AbortSignal, show: (run: Run) => void): Promise<void> {
  const startedAt = Date.now();
  let pieces: OutputPiece[] = [];
  let frame = 0;
  const running = () => show({ state: 'running', pieces: [...pieces], startedAt });
  running();
  try {
    for await (const event of runCode(program, signal)) {
      if (event.type === 'result') {
        cancelAnimationFrame(frame);
        // A runner that does not stream has its output in the result only.
        if (pieces.length === 0) pieces = fromResult(event.result);
        show({ state: 'ended', pieces, result: event.result });
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
