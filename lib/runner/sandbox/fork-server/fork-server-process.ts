import { spawn } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { constants as osConstants } from 'node:os';
import { pathDescriptor } from '#lib/runner/sandbox/anonymous-files';
import type { ForkServerEvent, ForkServerRequest, InheritedFd } from '#lib/runner/sandbox/fork-server/fork-server';
import {
  beNicer,
  coverInherited,
  inheritedDescriptors,
  NO_ENVIRONMENT,
} from '#lib/runner/sandbox/fork-server/spawn-options';
import { openPipe } from '#lib/runner/sandbox/pipe-pool';

/** The process of `ForkServer`. It exits when its channel to the server closes. */

const server = process.ppid;
const inherited = inheritedDescriptors();
const nothing = openSync('/dev/null', 'r');
// Children inherit the priority.
beNicer();

process.on('message', (request: ForkServerRequest) => start(request));
process.on('disconnect', () => process.exit());

function start({ id, executable, args, uid, descriptors }: ForkServerRequest): void {
  const opened: number[] = [];
  const open = (descriptor: InheritedFd): number => {
    const fd = reopenFd(descriptor);
    opened.push(fd);
    return fd;
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

function send(event: ForkServerEvent): void {
  if (!process.connected) return;
  // A server that was killed has closed its end of the channel. Without the callback, the failed
  // write would be an unhandled error.
  process.send?.(event, (error: Error | null) => {
    if (error !== null) process.exit();
  });
}
