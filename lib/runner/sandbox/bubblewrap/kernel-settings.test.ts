import { afterAll, expect, it } from 'vitest';
import { readConfig } from '#lib/config/config';
import { programLimits } from '#lib/runner/resource-limits';
import { Bubblewrap } from '#lib/runner/sandbox/bubblewrap/bubblewrap';
import { findMachine } from '#lib/runner/sandbox/probe/probe-machine';
import { seccompFilter } from '#lib/runner/sandbox/seccomp/filter';

// The kernel lets root write its settings without any capability. Sandboxes have the user of the
// server where only that one can read a toolchain, and that may be root.

const { machine } = await findMachine(process.cwd(), undefined);
if (machine === undefined) throw new Error('there is no bubblewrap');
const sandbox = new Bubblewrap({ ...machine, hostUid: undefined, filter: seccompFilter(false) });
afterAll(() => sandbox.close());

const LIST_WRITABLE =
  'find /proc/sys /proc/irq /proc/self/comm -type f | while read f; do [ -w "$f" ] && echo "$f"; done';

it('lets a program of the server’s user write no setting of the kernel', async () => {
  const chunks: Buffer[] = [];
  const report = await sandbox.run({
    ...{ argv: ['/bin/sh', '-c', `${LIST_WRITABLE}; echo listed`], env: {}, binds: [], files: [], stdin: Buffer.of() },
    limits: programLimits(readConfig({}), 20, 2),
    onStdout: (chunk) => {
      chunks.push(chunk);
      return true;
    },
    onStderr: () => true,
  });
  expect(report.exitCode).toBe(0);
  expect(Buffer.concat(chunks).toString()).toBe('listed\n');
});
