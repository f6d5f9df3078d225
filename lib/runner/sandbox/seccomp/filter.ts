import {
  ALLOW,
  ARCH_OFFSET,
  and,
  argumentLow,
  assemble,
  failWith,
  type Instruction,
  KILL_PROCESS,
  load,
  NR_OFFSET,
  returns,
  skipIfEqual,
  skipUnlessAtLeast,
  skipUnlessEqual,
} from '#lib/runner/sandbox/seccomp/assembler';
import {
  ALLOWED_PERSONALITIES,
  ALLOWED_SOCKET_FAMILIES,
  ARCHITECTURES,
  type Architecture,
  BUFFER_OPTIONS,
  CLONE_NEWUSER,
  type ConditionalCall,
  DENIED_FCNTLS,
  DENIED_IOCTLS,
  denied,
  EPERM,
  F_SETPIPE_SZ,
  SOL_SOCKET,
} from '#lib/runner/sandbox/seccomp/policy';

/** Builds the filter for a `process.arch`. Throws if the policy does not know it: no sandbox. */
export function seccompFilter(countsMemory: boolean, arch: string = process.arch): Buffer {
  const architecture = ARCHITECTURES[arch];
  if (architecture === undefined) throw new Error(`there is no seccomp policy for ${arch}`);
  return assemble(compile(architecture, countsMemory));
}

function compile(architecture: Architecture, countsMemory: boolean): Instruction[] {
  const program = [
    load(ARCH_OFFSET),
    skipIfEqual(architecture.audit, 1),
    returns(KILL_PROCESS),
    load(NR_OFFSET),
    ...foreignAbi(architecture),
  ];
  for (const { call, errno } of denied(countsMemory)) {
    const nr = architecture.number(call);
    if (nr !== undefined) program.push(skipUnlessEqual(nr, 1), returns(failWith(errno)));
  }
  const byArgument = (call: ConditionalCall, body: Instruction[]) => {
    const nr = architecture.number(call);
    if (nr !== undefined) program.push(skipUnlessEqual(nr, body.length), ...body);
  };
  byArgument('clone', [
    load(argumentLow(0)),
    and(CLONE_NEWUSER),
    skipUnlessEqual(CLONE_NEWUSER, 1),
    returns(failWith(EPERM)),
    returns(ALLOW),
  ]);
  byArgument('personality', allowOnly(ALLOWED_PERSONALITIES));
  byArgument('ioctl', denyRequests(DENIED_IOCTLS));
  byArgument('socket', allowOnly(ALLOWED_SOCKET_FAMILIES));
  // Without a control group, the content of pipes is counted by their usual size.
  byArgument('fcntl', denyRequests(countsMemory ? DENIED_FCNTLS : [...DENIED_FCNTLS, F_SETPIPE_SZ]));
  // Without a control group, the memory of buffers is not counted, so they must not grow. The call
  // succeeds without effect, as in the kernel for a value above its maximum.
  if (!countsMemory) {
    byArgument('setsockopt', [
      load(argumentLow(1)),
      skipIfEqual(SOL_SOCKET, 1),
      returns(ALLOW),
      load(argumentLow(2)),
      ...BUFFER_OPTIONS.flatMap((option) => [skipUnlessEqual(option, 1), returns(failWith(SUCCESS))]),
      returns(ALLOW),
    ]);
  }
  program.push(returns(ALLOW));
  return program;
}

/** The errno of a call that is skipped, and seems to succeed. */
const SUCCESS = 0;

function foreignAbi({ foreignAbiFrom }: Architecture): Instruction[] {
  return foreignAbiFrom === undefined ? [] : [skipUnlessAtLeast(foreignAbiFrom, 1), returns(KILL_PROCESS)];
}

/** Denies these values of the second argument, of which the calls read 32 bits. */
function denyRequests(requests: readonly number[]): Instruction[] {
  return [
    load(argumentLow(1)),
    ...requests.flatMap((request) => [skipUnlessEqual(request, 1), returns(failWith(EPERM))]),
    returns(ALLOW),
  ];
}

/** Allows only these values of the first argument, of which the calls read 32 bits. */
function allowOnly(values: readonly number[]): Instruction[] {
  return [
    load(argumentLow(0)),
    ...values.flatMap((value) => [skipUnlessEqual(value, 1), returns(ALLOW)]),
    returns(failWith(EPERM)),
  ];
}
