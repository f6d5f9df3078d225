import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import type { DeferredFile } from '#lib/runner/sandbox/anonymous-files';
import type { InputPipe } from '#lib/runner/sandbox/pipe-pool';
import type { Baseline, RunningSandbox } from '#lib/runner/sandbox/running-sandbox';
import type { Execution, ExitReport, SupervisionInput, WarmSandbox } from '#lib/runner/sandbox/sandbox';

export interface WarmSandboxParts {
  /** The sandbox blocks on the other end until the program arrives. */
  input: InputPipe;
  /** Files that are empty until then. */
  deferredFiles: readonly DeferredFile[];
  open: () => RunningSandbox;
  finish: (sandbox: RunningSandbox, input: SupervisionInput, baseline: Baseline) => Promise<ExitReport>;
  /** Fills the deferred files; returns what goes through `input`. */
  handOver: (execution: Execution) => string | Uint8Array;
  limits: SupervisionInput['limits'];
  /** What goes through `input` first, once the sandbox is in its control group. */
  go?: Uint8Array;
}

/**
 * Starts a sandbox that waits for its program, and releases its pipes and files when it has ended.
 */
export function createWarmSandbox(parts: WarmSandboxParts): WarmSandbox {
  const { input, deferredFiles, open, finish, handOver, limits, go } = parts;
  const closeFiles = () => {
    for (const file of deferredFiles) file.close();
  };
  let sandbox: RunningSandbox;
  try {
    sandbox = open();
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
  const ready = go === undefined ? undefined : sandbox.confined.then(() => void writer.write(go));
  // A sandbox that cannot be confined is killed, and its run rejects.
  ready?.catch(() => {});
  const send = (message: string | Uint8Array) => {
    if (ready === undefined) writer.end(message);
    else
      ready.then(
        () => writer.end(message),
        () => writer.destroy(),
      );
  };
  const end = async (supervision: SupervisionInput, baseline: Baseline) => {
    try {
      return await finish(sandbox, supervision, baseline);
    } finally {
      writer.destroy();
      // The response does not wait for it.
      void Promise.all([closed, sandbox.closed]).then(input.release);
    }
  };
  return {
    get isAlive() {
      return !sandbox.isOver();
    },
    residentBytes: () => sandbox.residentBytes(),
    run: async (execution) => {
      const baseline = { startedAt: performance.now(), cpuMs: sandbox.usage().cpuMs };
      let failure: { error: unknown } | undefined;
      try {
        send(handOver(execution));
      } catch (error) {
        failure = { error };
        sandbox.kill();
      }
      closeFiles();
      const report = await end(execution, baseline);
      if (failure !== undefined) throw failure.error;
      return report;
    },
    discard: async () => {
      closeFiles();
      sandbox.kill();
      const ignored = { limits, onStdout: () => false, onStderr: () => false, onResult: () => false };
      await end(ignored, { startedAt: performance.now(), cpuMs: 0 });
    },
  };
}
