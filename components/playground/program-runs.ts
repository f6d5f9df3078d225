import { isCodeResult } from '#lib/browser/response-guards';
import { isRecord, parseJson } from '#lib/browser/type-guards';
import type { CodeRequest } from '#lib/wire/code';
import type { CodeRun, follow, OutputChunk, RunLocation } from '../code-run/use-code-run.ts';

/** Of so many programs the last run is kept. The oldest one is dropped: it can be run again. */
const KEPT_RUNS = 10;
/** Between the question whether to leave and the end of the page. */
const LEAVING_MS = 3_000;
const PREFIX = 'program-run:';
export const NO_RUN: CodeRun = { state: 'idle' };

interface HeldRun {
  run: CodeRun;
  abort?: AbortController;
}

interface SampleOutput {
  title: string;
  output: string;
  isThisProgram: boolean;
}

interface RunEnvironment {
  /** For programs that are saved. */
  local: Storage | undefined;
  /** For programs that are not. */
  session: Storage | undefined;
  isSaved: (id: string) => boolean;
  follow: typeof follow;
  now: () => number;
}

/**
 * The last run of each program. A run goes on while another program or page is shown, and its
 * output is stored when it ends.
 */
export class ProgramRuns {
  readonly #env: RunEnvironment;
  readonly #runs = new Map<string, HeldRun>();
  readonly #listeners = new Set<() => void>();
  #isLeaving = false;

  constructor(env: RunEnvironment) {
    this.#env = env;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  of(id: string): CodeRun {
    const held = this.#runs.get(id);
    if (held !== undefined) return held.run;
    const run = this.#readStored(id) ?? NO_RUN;
    this.#runs.set(id, { run });
    return run;
  }

  isAnyRunning(): boolean {
    return [...this.#runs.values()].some(({ run }) => run.state === 'running');
  }

  /** Runs the program. It takes the place of the last run, which ends. */
  start(id: string, program: CodeRequest, place: RunLocation): void {
    this.#runs.get(id)?.abort?.abort();
    const abort = new AbortController();
    const entry: HeldRun = { run: NO_RUN, abort };
    this.#runs.set(id, entry);
    void this.#env.follow(program, place, abort.signal, (run) => {
      // The program may have got another id meanwhile.
      const now = [...this.#runs].find(([, held]) => held === entry)?.[0];
      if (now === undefined) return;
      // A browser may break the connection before the page ends.
      entry.run = this.#isLeaving && run.state === 'failed' ? stopped(run.pieces) : run;
      if (run.state !== 'running') this.#store(now);
      this.#notify();
    });
  }

  /** Shows a sample's recorded output, for a language that cannot run now. */
  showSample(id: string, { title, output, isThisProgram }: SampleOutput): void {
    this.#replace(id, {
      state: 'sample',
      title,
      isThisProgram,
      pieces: [{ stream: 'stdout', text: output, at: 0 }],
    });
  }

  stop(id: string): void {
    this.#runs.get(id)?.abort?.abort();
  }

  /** Gives the run of one program to another one, which took its place in this tab. */
  move(from: string, to: string): void {
    const held = this.#runs.get(from);
    if (held === undefined) return;
    this.#runs.delete(from);
    this.#runs.set(to, held);
    this.#store(to);
    this.#notify();
  }

  /** The program was saved: its run is kept where the program is. */
  keepSaved(id: string): void {
    remove(this.#env.session, PREFIX + id);
    this.#store(id);
  }

  /** Ends and removes the run of a deleted program. Returns the function that brings it back. */
  remove(id: string): () => void {
    const run = this.of(id);
    this.#replace(id, NO_RUN);
    return () => {
      if (run.state !== 'idle') this.#replace(id, run.state === 'running' ? stopped(run.pieces) : run);
    };
  }

  /** The page may go, which breaks the connections of its runs. */
  expectLeave(): void {
    this.#isLeaving = true;
    setTimeout(() => {
      this.#isLeaving = false;
    }, LEAVING_MS);
  }

  /** The page goes: what runs is kept as it is by now. */
  keepRunning(): void {
    for (const id of this.#runs.keys()) if (this.#runs.get(id)?.run.state === 'running') this.#store(id);
  }

  /** Frees storage for a program. */
  dropStored(): void {
    for (const key of storedKeys(this.#env.local)) remove(this.#env.local, key);
  }

  #replace(id: string, run: CodeRun): void {
    const held = this.#runs.get(id);
    this.#runs.set(id, { run });
    held?.abort?.abort();
    this.#store(id);
    this.#notify();
  }

  #notify(): void {
    for (const listener of this.#listeners) listener();
  }

  #store(id: string): void {
    const { local, session, isSaved, now } = this.#env;
    const run = this.#runs.get(id)?.run ?? NO_RUN;
    const store = isSaved(id) ? local : session;
    const key = PREFIX + id;
    if (run.state === 'idle') remove(store, key);
    else
      try {
        store?.setItem(key, `${now()}\n${serializeRun(run)}`);
      } catch {
        // Storage is full. The page still has the run.
      }
    if (store === local) for (const old of storedKeys(local).slice(KEPT_RUNS)) remove(local, old);
  }

  #readStored(id: string): CodeRun | undefined {
    const { local, session, isSaved } = this.#env;
    const text = (isSaved(id) ? local : session)?.getItem(PREFIX + id) ?? '';
    return parseRun(text.slice(text.indexOf('\n') + 1));
  }
}

/** Keys of the stored runs, the latest first. */
function storedKeys(store: Storage | undefined): string[] {
  if (store === undefined) return [];
  return Array.from({ length: store.length }, (_, index) => store.key(index) ?? '')
    .filter((key) => key.startsWith(PREFIX))
    .map((key) => ({ key, at: Number.parseInt(store.getItem(key) ?? '', 10) }))
    .sort((a, b) => b.at - a.at)
    .map(({ key }) => key);
}

function remove(store: Storage | undefined, key: string): void {
  store?.removeItem(key);
}

const stopped = (pieces: readonly OutputChunk[]): CodeRun => ({ state: 'stopped', pieces });

/** A running one as stopped. The result's output is that of the pieces and is left out. */
export function serializeRun(run: CodeRun): string {
  if (run.state === 'running') return JSON.stringify(stopped(run.pieces));
  if (run.state !== 'ended') return JSON.stringify(run);
  return JSON.stringify({ ...run, result: { ...run.result, stdout: '', stderr: '' } });
}

export function parseRun(text: string): CodeRun | undefined {
  const value = parseJson(text);
  if (!isRecord(value) || !Array.isArray(value.pieces)) return undefined;
  const pieces = value.pieces.filter(isChunk);
  switch (value.state) {
    case 'stopped':
      return stopped(pieces);
    case 'sample':
      return { state: 'sample', pieces, title: String(value.title), isThisProgram: value.isThisProgram === true };
    case 'failed':
      return { state: 'failed', pieces, message: String(value.message), code: String(value.code) };
    case 'ended': {
      if (!isCodeResult(value.result)) return undefined;
      const result = { ...value.result, stdout: textOf(pieces, 'stdout'), stderr: textOf(pieces, 'stderr') };
      const input = value.input === 'asked' || value.input === 'reads' ? value.input : undefined;
      return { state: 'ended', pieces, result, place: value.place === 'browser' ? 'browser' : 'server', input };
    }
    default:
      return undefined;
  }
}

function isChunk(value: unknown): value is OutputChunk {
  return (
    isRecord(value) &&
    (value.stream === 'stdout' || value.stream === 'stderr') &&
    typeof value.text === 'string' &&
    typeof value.at === 'number'
  );
}

function textOf(pieces: readonly OutputChunk[], stream: OutputChunk['stream']): string {
  return pieces
    .filter((piece) => piece.stream === stream)
    .map(({ text }) => text)
    .join('');
}
