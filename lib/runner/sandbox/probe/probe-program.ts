import type { Execution, ExitReport, Sandbox } from '#lib/runner/sandbox/sandbox';

/** A program that checks containment from inside. */
export interface ProbeProgram {
  /** For /bin/sh. */
  script: string;
  /** Whether its output proves containment. */
  passes: (printed: string) => boolean;
}

const MB = 1024 * 1024;

/** Runs the probe program; returns a complaint if the sandbox fails any check. */
export async function runProbe(
  sandbox: Sandbox,
  { script, passes }: ProbeProgram,
): Promise<{ ended: ExitReport; complaint: undefined } | { ended?: undefined; complaint: string }> {
  let stdout = '';
  let stderr = '';
  const execution: Execution = {
    argv: ['/bin/sh', '-c', script],
    env: {},
    // The Node of the server: its path may be accessible to the server's user only.
    binds: [{ from: process.execPath, at: '/opt/probe' }],
    files: [{ name: 'probe', content: Buffer.from('read me') }],
    stdin: Buffer.from('stdin'),
    limits: PROBE_LIMITS,
    onStdout: (chunk) => {
      stdout += chunk.toString();
      return true;
    },
    onStderr: (chunk) => {
      stderr += chunk.toString();
      return true;
    },
  };
  let ended: ExitReport;
  try {
    ended = await sandbox.run(execution);
  } catch (error) {
    return { complaint: error instanceof Error ? error.message : String(error) };
  }
  if (!ended.started) return { complaint: ended.setupError.trim() };
  if (ended.exitCode !== 0 || !passes(stdout))
    return {
      complaint: `the probe program ended with ${ended.exitCode} and saw ${JSON.stringify(`${stdout}${stderr}`)}`,
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
