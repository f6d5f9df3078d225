import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Box, Since } from '#lib/runner/sandbox/box';
import type { InputEnds, LateFile } from '#lib/runner/sandbox/descriptors';
import type { Ended, Supervised, Waiting } from '#lib/runner/sandbox/sandbox';

export interface HandOver<Given> {
  /** What is waited for at its other end. */
  input: InputEnds;
  /** What gets its content in the last moment. */
  late: readonly LateFile[];
  /** Starts the sandbox. */
  open: () => Box;
  /** Follows it to its end. */
  finish: (box: Box, job: Supervised, since: Since) => Promise<Ended>;
  /** Fills what was empty, and gives what goes through `input`. */
  fill: (given: Given, job: Supervised) => string | Uint8Array;
  limits: Supervised['limits'];
}

/** Starts a sandbox that waits. What it was made of is given back when it has ended. */
export function handOver<Given>({ input, late, open, finish, fill, limits }: HandOver<Given>): Waiting<Given> {
  const closeFiles = () => {
    for (const file of late) file.close();
  };
  let box: Box;
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
  const end = async (job: Supervised, since: Since) => {
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
