import { spawn } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { constants as osConstants } from 'node:os';
import { inheritedDescriptors, openPipe, pathDescriptor } from '#lib/runner/sandbox/anonymous-files';
import type { ForkServerEvent, ForkServerRequest, InheritedFd } from '#lib/runner/sandbox/fork-server/fork-server';
import { beNicer, coverInherited, NO_ENVIRONMENT } from '#lib/runner/sandbox/fork-server/spawn-options';

/** The process that `Spawner` starts others out of; it ends when the server is gone. */

const server = process.ppid;
const inherited = inheritedDescriptors();
const nothing = openSync('/dev/null', 'r');
// What is started from here is as nice.
beNicer();

process.on('message', (message: ForkServerRequest) => start(message));
process.on('disconnect', () => process.exit());

function start({ id, executable, args, uid, descriptors }: ForkServerRequest): void {
  const opened: number[] = [];
  const open = (lent: InheritedFd): number => {
    const own = reopenFd(lent);
    opened.push(own);
    return own;
  };
  try {
    const stdio = descriptors.map((descriptor) => (descriptor === null ? 'ignore' : open(descriptor)));
    coverInherited(stdio, inherited, nothing);
    const user = uid === null ? {} : { uid, gid: uid };
    const child = spawn(executable, args, { env: NO_ENVIRONMENT, cwd: '/', stdio, ...user });
    child.on('error', (error) => send({ id, type: 'failed', reason: error.message }));
    child.on('exit', (code, signal) =>
      send({ id, type: 'ended', code: code ?? 128 + (signal === null ? 0 : osConstants.signals[signal]) }),
    );
    if (child.pid !== undefined) send({ id, type: 'started', pid: child.pid });
  } catch (error) {
    send({ id, type: 'failed', reason: error instanceof Error ? error.message : String(error) });
  } finally {
    for (const fd of opened) closeSync(fd);
  }
}

function reopenFd({ fd, as }: InheritedFd): number {
  const path = `/proc/${server}/fd/${fd}`;
  if (as === 'file') return openSync(path, constants.O_RDONLY);
  if (as === 'path') return pathDescriptor(path);
  return openPipe(path, as === 'pipe to read' ? constants.O_RDONLY : constants.O_WRONLY);
}

function send(message: ForkServerEvent): void {
  if (process.connected) process.send?.(message);
}
