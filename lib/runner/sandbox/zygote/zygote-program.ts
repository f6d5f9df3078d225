import { INPUT_DESCRIPTOR, PROGRAM, STDIN_DESCRIPTOR } from '#lib/languages/sandbox-interface';
import type { ResourceLimits } from '#lib/runner/resource-limits';
import { SANDBOX_UID, writableMounts } from '#lib/runner/sandbox/bubblewrap/arguments';
import type { InterpreterSpec } from '#lib/runner/sandbox/sandbox';

/** Where the zygote's script lies if the interpreter that it executes has one at `PROGRAM`. */
export const ZYGOTE_SCRIPT = '/zygote';
/** The zygote reads the numbers of slots here, one byte for each sandbox to start. */
export const CONTROL_DESCRIPTOR = 5;
/** The zygote writes its events here, a line each. */
export const EVENT_DESCRIPTOR = 6;
/** `O_PATH` descriptors of the pipes of slots: input, stdout and stderr of each. */
export const FIRST_SLOT_DESCRIPTOR = 7;
export const PIPES_OF_A_SLOT = 3;
export const SLOTS = 16;
/** The first byte of a sandbox's input: it is in its control group. */
export const GO = Buffer.from('g');

export interface ZygoteProgramOptions {
  spec: InterpreterSpec;
  /** The seccomp program, as `assemble` returns it. */
  filter: Uint8Array;
}

/**
 * The script of a zygote: a Python process in a sandbox set up by bubblewrap, in which no user
 * code ever runs. For each sandbox it clones a child into new namespaces, and holds nothing of
 * what goes through them. The child is the first process there. It opens the pipes of its slot,
 * closes all other descriptors, and waits until it is in its control group. Then it mounts the
 * writable file systems, sets the limits, drops all rights, and forks the process that becomes the
 * program. An error in any step ends it before that process exists.
 *
 * Events: `S slot pid` (cloned), `R slot inode` (confined, with its pid namespace), `E pid code`
 * (ended, with all processes of its namespace). `R` comes from the child, which closes that pipe
 * before the program's process exists.
 */
export function zygoteProgram({ spec, filter }: ZygoteProgramOptions): string {
  const { zygote, argv, limits, program } = spec;
  const config: Record<string, string> = {
    FILTER: `bytes.fromhex("${Buffer.from(filter).toString('hex')}")`,
    LIMITS: JSON.stringify(rlimits(limits)),
    MOUNTS: `[${writableMounts(limits.diskBytes).map(({ mount, bound }) => `(b"${mount}", b"mode=0755,size=${bound}")`)}]`,
    COMMAND: zygote?.by === 'exec' ? JSON.stringify(argv) : 'None',
  };
  const assignments = Object.entries(config).map(([name, value]) => `    ${name} = ${value}\n`);
  const script = PRELUDE.replace('    CONFIG\n', () => assignments.join(''));
  if (zygote?.by === 'exec') return script;
  if (!(program instanceof Uint8Array)) throw new Error('a zygote forks a script that is given as bytes');
  return `${script}${Buffer.from(program).toString()}`;
}

/** The arguments that run the script, in the sandbox's Python. */
export function zygoteCommand({ zygote, argv }: InterpreterSpec, python: string): string[] {
  return zygote?.by === 'exec' ? [python, '-I', '-S', ZYGOTE_SCRIPT] : [...argv];
}

export const zygoteScriptPath = ({ zygote }: InterpreterSpec): string =>
  zygote?.by === 'exec' ? ZYGOTE_SCRIPT : PROGRAM;

/** The limits of setrlimit(2), by the numbers of Linux, as `limitsScript` sets them. */
function rlimits(limits: ResourceLimits): [resource: number, value: number][] {
  return [
    [0, limits.cpuSeconds],
    [1, limits.diskBytes],
    [2, limits.dataBytes],
    [4, 0],
    [6, limits.processes + 1],
    [7, limits.openFiles],
  ];
}

/**
 * The numbers are those of Linux: `CLONE_NEW*`, `MS_*`, `PR_*`, and clone(2) by architecture. It
 * leaves no module loaded that an interpreter does not load by itself.
 */
const PRELUDE = `
import sys

def serve():
    import ctypes, gc, os, resource, struct
    import _signal as signals
    CONFIG
    # Holds the interpreter's lock during a call, as fork does.
    libc = ctypes.PyDLL(None, use_errno=True)
    python = ctypes.pythonapi
    clone = {"x86_64": 56, "aarch64": 220}[os.uname().machine]
    # User, pid, mount, network, IPC and UTS namespaces, and SIGCHLD.
    flags = 0x10000000 | 0x20000000 | 0x00020000 | 0x40000000 | 0x08000000 | 0x04000000 | 17
    filter_bytes = ctypes.create_string_buffer(FILTER, len(FILTER))
    filter_program = struct.pack("HxxxxxxP", len(FILTER) // 8, ctypes.addressof(filter_bytes))

    def call(name, *arguments):
        result = getattr(libc, name)(*arguments)
        if result < 0:
            raise OSError(ctypes.get_errno(), f"{name}: {os.strerror(ctypes.get_errno())}")
        return result

    def write_file(path, content):
        fd = os.open(path, os.O_WRONLY)
        try:
            os.write(fd, content)
        finally:
            os.close(fd)

    def open_pipes(slot):
        first = ${FIRST_SLOT_DESCRIPTOR} + slot * ${PIPES_OF_A_SLOT}
        modes = (os.O_RDONLY, os.O_WRONLY, os.O_WRONLY)
        # Does not wait for the other end: the host may have closed its own by now.
        opened = [os.open(f"/proc/self/fd/{first + index}", mode | os.O_NONBLOCK) for index, mode in enumerate(modes)]
        for fd, at in zip(opened, (${INPUT_DESCRIPTOR}, 1, 2)):
            os.set_blocking(fd, True)
            os.dup2(fd, at)
        os.closerange(3, ${INPUT_DESCRIPTOR})
        os.closerange(${FIRST_SLOT_DESCRIPTOR}, max(opened) + 1)

    def mount_own():
        for path, options in MOUNTS:
            call("mount", b"tmpfs", path, b"tmpfs", 0x2 | 0x4, options)
        call("mount", b"proc", b"/proc", b"proc", 0x1 | 0x2 | 0x4 | 0x8, None)
        os.chdir("${writableMounts(0)[0]?.mount ?? ''}")

    def open_stdin():
        # A file: a program that opens /dev/stdin again would wait for the writer of a pipe.
        writer = os.open(".", os.O_TMPFILE | os.O_RDWR, 0o444)
        reader = os.open(f"/proc/self/fd/{writer}", os.O_RDONLY)
        os.dup2(reader, 0)
        os.close(reader)
        return writer

    def raise_loopback():
        fd = call("socket", 2, 2 | 0o2000000, 0)
        # SIOCSIFFLAGS: IFF_UP and IFF_RUNNING.
        call("ioctl", fd, 0x8914, struct.pack("16sH22x", b"lo", 0x41))
        os.close(fd)

    def drop_rights():
        for number, value in LIMITS:
            resource.setrlimit(number, (value, value))
        with open("/proc/sys/kernel/cap_last_cap") as last:
            for capability in range(int(last.read()) + 1):
                call("prctl", 24, capability, 0, 0, 0)
        call("capset", struct.pack("Ii", 0x20080522, 0), bytes(24))
        call("prctl", 38, 1, 0, 0, 0)
        call("prctl", 22, 2, filter_program, 0, 0)

    def confine(slot):
        signals.signal(signals.SIGCHLD, signals.SIG_DFL)
        signals.pthread_sigmask(signals.SIG_UNBLOCK, [signals.SIGCHLD])
        open_pipes(slot)
        if os.read(${INPUT_DESCRIPTOR}, 1) != b"${GO}":
            os._exit(1)
        # Its root is the control group of the sandbox: /proc/self/cgroup shows no path of the host.
        call("unshare", 0x02000000)
        os.setsid()
        write_file("/proc/self/setgroups", b"deny")
        write_file("/proc/self/uid_map", b"${SANDBOX_UID} ${SANDBOX_UID} 1")
        write_file("/proc/self/gid_map", b"${SANDBOX_UID} ${SANDBOX_UID} 1")
        # Forbids further ones, while /proc is still that of the zygote, which can be written.
        write_file("/proc/sys/user/max_user_namespaces", b"0")
        mount_own()
        stdin = open_stdin()
        raise_loopback()
        drop_rights()
        os.write(${EVENT_DESCRIPTOR}, b"R %d %d\\n" % (slot, os.stat("/proc/self/ns/pid").st_ino))
        # Takes the place of the pipe for events, which is closed by that.
        os.dup2(stdin, ${STDIN_DESCRIPTOR})
        os.close(stdin)

    def become_init():
        # Signals that have no handler do not reach the first process of a namespace.
        signals.signal(signals.SIGINT, signals.SIG_DFL)
        libc.prctl(15, b"init", 0, 0, 0)

    def reap(program):
        os.closerange(0, ${STDIN_DESCRIPTOR} + 1)
        while True:
            pid, status = os.wait()
            if pid == program:
                code = os.waitstatus_to_exitcode(status)
                os._exit(code if code >= 0 else 128 - code)

    def read_exactly(size):
        pieces = []
        while size > 0:
            piece = os.read(${INPUT_DESCRIPTOR}, min(size, 1 << 20))
            if not piece:
                os._exit(1)
            pieces.append(piece)
            size -= len(piece)
        return b"".join(pieces)

    def become_program():
        signals.signal(signals.SIGINT, signals.default_int_handler)
        libc.prctl(15, name, 0, 0, 0)
        if COMMAND is not None:
            # Python ignores these, and a new program would inherit that. It is not started by
            # posix_spawn, which leaves another signal ignored.
            for ignored in (signals.SIGPIPE, signals.SIGXFSZ):
                signals.signal(ignored, signals.SIG_DFL)
            os.execv(COMMAND[0], COMMAND)
        left = memoryview(read_exactly(int.from_bytes(read_exactly(8), "big")))
        while left:
            left = left[os.write(${STDIN_DESCRIPTOR}, left):]
        os.close(${STDIN_DESCRIPTOR})

    def report_ended():
        try:
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
                code = os.waitstatus_to_exitcode(status)
                os.write(${EVENT_DESCRIPTOR}, b"E %d %d\\n" % (pid, code if code >= 0 else 128 - code))
        except ChildProcessError:
            return

    # It is blocked but for the wait itself: the end of a child just before would else be found with
    # the next event only.
    signals.signal(signals.SIGCHLD, lambda *_: None)
    signals.pthread_sigmask(signals.SIG_BLOCK, [signals.SIGCHLD])
    commands = ctypes.create_string_buffer(struct.pack("ihh", ${CONTROL_DESCRIPTOR}, 1, 0), 8)
    with open("/proc/self/comm", "rb") as file:
        name = file.read().strip()
    libc.prctl(15, b"zygote", 0, 0, 0)
    # Keeps the collector from writing to pages that all children share.
    gc.collect()
    gc.freeze()
    while True:
        has_command = libc.ppoll(commands, 1, None, bytes(128)) > 0
        report_ended()
        if not has_command:
            continue
        slot = os.read(${CONTROL_DESCRIPTOR}, 1)
        if not slot:
            os._exit(0)
        python.PyOS_BeforeFork()
        pid = libc.syscall(clone, flags, 0, 0, 0, 0)
        if pid != 0:
            python.PyOS_AfterFork_Parent()
            os.write(${EVENT_DESCRIPTOR}, b"S %d %d\\n" % (slot[0], pid))
            continue
        python.PyOS_AfterFork_Child()
        try:
            confine(slot[0])
            become_init()
            program = os.fork()
            if program != 0:
                reap(program)
            become_program()
            return
        except BaseException as error:
            os.write(2, f"{type(error).__name__}: {error}\\n".encode())
            os._exit(1)

before = set(sys.modules)
serve()
for name in set(sys.modules) - before:
    del sys.modules[name]
del before, name, serve
`;
