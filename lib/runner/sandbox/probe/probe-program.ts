import type { Execution, ExitReport, Sandbox } from '#lib/runner/sandbox/sandbox';

/** A program that sees for itself what a sandbox lets it see. */
export interface ProbeProgram {
  /** Read by /bin/sh. */
  script: string;
  /** Whether what it printed is what it prints where everything is as it must be. */
  saw: (printed: string) => boolean;
}

const MB = 1024 * 1024;

/** Runs the probe program: how it ended, or a sentence where something is not as it must be. */
export async function runProbe(
  sandbox: Sandbox,
  { script, saw }: ProbeProgram,
): Promise<{ ended: ExitReport; complaint: undefined } | { ended?: undefined; complaint: string }> {
  let seen = '';
  let complaint = '';
  const job: Execution = {
    argv: ['/bin/sh', '-c', script],
    env: {},
    // The server's own Node: a file that may lie where only the server's user can reach it.
    binds: [{ from: process.execPath, at: '/opt/probe' }],
    files: [{ name: 'probe', content: Buffer.from('read me') }],
    stdin: Buffer.from('stdin'),
    limits: PROBE_LIMITS,
    onStdout: (chunk) => {
      seen += chunk.toString();
      return true;
    },
    onStderr: (chunk) => {
      complaint += chunk.toString();
      return true;
    },
  };
  let ended: ExitReport;
  try {
    ended = await sandbox.run(job);
  } catch (error) {
    return { complaint: error instanceof Error ? error.message : String(error) };
  }
  if (!ended.started) return { complaint: ended.setupError.trim() };
  if (ended.exitCode !== 0 || !saw(seen))
    return {
      complaint: `the probe program ended with ${ended.exitCode} and saw ${JSON.stringify(`${seen}${complaint}`)}`,
    };
  return { ended, complaint: undefined };
}

const PROBE_LIMITS = {
  wallMs: 10_000,
  cpuSeconds: 10,
  memoryBytes: 64 * MB,
  processes: 16,
  diskBytes: MB,
  openFiles: 64,
  dataBytes: 1024 * MB,
  outputBytes: 10_000,
};
