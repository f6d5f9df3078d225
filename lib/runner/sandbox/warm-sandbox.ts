import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import type { DeferredFile, InputPipe } from '#lib/runner/sandbox/anonymous-files';
import type { Baseline, RunningSandbox } from '#lib/runner/sandbox/running-sandbox';
import type { ExitReport, SupervisionInput, WarmSandbox } from '#lib/runner/sandbox/sandbox';

export interface WarmSandboxParts<Given> {
  /** What is waited for at its other end. */
  input: InputPipe;
  /** What gets its content in the last moment. */
  late: readonly DeferredFile[];
  /** Starts the sandbox. */
  open: () => RunningSandbox;
  /** Follows it to its end. */
  finish: (box: RunningSandbox, job: SupervisionInput, since: Baseline) => Promise<ExitReport>;
  /** Fills what was empty, and gives what goes through `input`. */
  fill: (given: Given, job: SupervisionInput) => string | Uint8Array;
  limits: SupervisionInput['limits'];
}

/** Starts a sandbox that waits. What it was made of is given back when it has ended. */
export function createWarmSandbox<Given>({
  input,
  late,
  open,
  finish,
  fill,
  limits,
}: WarmSandboxParts<Given>): WarmSandbox<Given> {
  const closeFiles = () => {
    for (const file of late) file.close();
  };
  let box: RunningSandbox;
  try {
    box = open();
  } catch (error) {
    closeSync(input.writer);
    input.release();
    closeFiles();
    throw error;
  }
  const writer = new Socket({ fd: input.writer, readable: false, writable: true });
  writer.on('error', () => {});
  const closed = new Promise<void>((resolve) => {
    writer.on('close', () => resolve());
  });
  const end = async (job: SupervisionInput, since: Baseline) => {
    try {
      return await finish(box, job, since);
    } finally {
      writer.destroy();
      // Not in the way of an answer either.
      void Promise.all([closed, box.closed]).then(input.release);
    }
  };
  return {
    get isAlive() {
      return !box.isOver();
    },
    residentBytes: () => box.residentBytes(),
    run: async (given, job) => {
      const since = { startedAt: performance.now(), cpuMs: box.usage().cpuMs };
      let failure: { error: unknown } | undefined;
      try {
        writer.end(fill(given, job));
      } catch (error) {
        failure = { error };
        box.kill();
      }
      closeFiles();
      const ended = await end(job, since);
      if (failure !== undefined) throw failure.error;
      return ended;
    },
    discard: async () => {
      closeFiles();
      box.kill();
      const nobody = { limits, onStdout: () => false, onStderr: () => false };
      await end(nobody, { startedAt: performance.now(), cpuMs: 0 });
    },
  };
}
