import type { ResourceLimits } from '#lib/runner/resource-limits';
import {
  BASE_ENV,
  type PassedDescriptors,
  type SystemLayout,
  WORK_DIRECTORY,
} from '#lib/runner/sandbox/bubblewrap/arguments';
import { type Execution, PROGRAM, RESULT_DESCRIPTOR } from '#lib/runner/sandbox/sandbox';

/** Where gVisor finds what it shall run, in the namespaces that bubblewrap makes for it. Nothing of it has a name on the host. */
const BUNDLE = '/bundle';
const ROOT = `${BUNDLE}/rootfs`;
/** Where the program's files lie before they are copied to its work directory, which is gVisor's own. */
const SOURCES = '/sources';
/** The descriptor on which it is told outside that the program came to an end of its own. */
export const END_DESCRIPTOR = 5;

const MB = 1024 * 1024;
/** Of /tmp and of /dev/shm, beside the work directory. */
const SMALL_BYTES = 8 * MB;
/** What is handed in, at most: a compiled program, and sources. */
const BUNDLE_BYTES = 512 * MB;

/** What is handed to bubblewrap as a descriptor: its number there. */
export type BundleDescriptors = Pick<PassedDescriptors, 'status' | 'system' | 'binds' | 'program' | 'files'> & {
  /** Of `containerSpec`. */
  spec: number;
};

/**
 * The outer fence: namespaces without network, with the system's directories read-only and no sight of anything else of the
 * host. gVisor's own processes are its root, which is nobody outside. The program's root is put together here, read-only too.
 */
export function outerArguments(layout: SystemLayout, passed: BundleDescriptors): string[] {
  const inside = [
    ...['/proc', '/sys', '/dev', '/tmp', WORK_DIRECTORY, SOURCES].map((path) => `${path}/`),
    ...[...layout.binds, ...passed.binds].map(({ from, at }) => at ?? from),
    ...layout.symlinks.map(([link]) => link),
    ...passed.system.map(({ at }) => at),
    ...passed.files.map(({ name }) => `${SOURCES}/${name}`),
  ];
  const seen = (root: string) => [
    ...layout.binds.flatMap(({ from, at }) => ['--ro-bind', from, `${root}${at ?? from}`]),
    ...layout.symlinks.flatMap(([link, target]) => ['--symlink', target, `${root}${link}`]),
    ...layout.hidden.flatMap((path) => ['--size', '4096', '--tmpfs', root + path, '--remount-ro', root + path]),
  ];
  return [
    ...['--unshare-all', '--unshare-user', '--die-with-parent', '--new-session', '--as-pid-1'],
    // Of this user namespace alone: gVisor makes namespaces within it for what it runs.
    ...['--uid', '0', '--gid', '0', '--cap-add', 'ALL', '--hostname', 'sandbox'],
    ...['--json-status-fd', `${passed.status}`],
    ...seen(''),
    ...['--proc', '/proc', '--dev', '/dev', '--size', `${MB}`, '--tmpfs', '/tmp'],
    ...['--size', `${BUNDLE_BYTES}`, '--tmpfs', BUNDLE, '--dir', `${BUNDLE}/state`],
    ...foldersOf(inside).flatMap((path) => ['--dir', ROOT + path]),
    ...seen(ROOT),
    ...passed.binds.flatMap(({ from, fd, at }) =>
      fd === undefined ? ['--ro-bind', from, ROOT + at] : ['--ro-bind-fd', `${fd}`, ROOT + at],
    ),
    ...passed.system.flatMap(({ fd, at }) => ['--perms', '0444', '--file', `${fd}`, ROOT + at]),
    ...(passed.program === undefined ? [] : ['--perms', '0555', '--file', `${passed.program}`, ROOT + PROGRAM]),
    ...passed.files.flatMap(({ fd, name }) => ['--perms', '0644', '--file', `${fd}`, `${ROOT}${SOURCES}/${name}`]),
    ...['--perms', '0444', '--file', `${passed.spec}`, `${BUNDLE}/config.json`],
    ...['--chdir', '/', '--setenv', 'PATH', BASE_ENV.PATH],
  ];
}

/** All folders that lead to `paths`, outermost first. bubblewrap would make them for its own user alone. */
function foldersOf(paths: readonly string[]): string[] {
  const folders = new Set<string>();
  for (const path of paths)
    for (let end = path.indexOf('/'); end >= 0; end = path.indexOf('/', end + 1)) folders.add(path.slice(0, end));
  return [...folders].toSorted();
}

/**
 * gVisor writes to a pipe of the host only as much as there is room for at that moment, and tells the program so, which on a real
 * kernel it would not. In pipes that hold all that is taken of a program's output there is always room. Nothing but Perl, which every
 * Debian has, can make them so; without it, a program's single write of more than 64 KiB may be cut.
 */
const PERL = '/usr/bin/perl';
const PIPE_BYTES = 512 * 1024;
/** From linux/fcntl.h. */
const F_SETPIPE_SZ = 1031;

/**
 * Runs gVisor, and then tells on `END_DESCRIPTOR` whether what ended was the program: gVisor's own failures look the same by
 * their exit code. It holds no descriptor but the program's three.
 */
export function outerCommand(runsc: string, platform: string): string[] {
  const script = [
    `[ -x ${PERL} ] && ${PERL} -e 'fcntl($_, ${F_SETPIPE_SZ}, ${PIPE_BYTES}) for *STDOUT, *STDERR' ${END_DESCRIPTOR}>&-`,
    `"$@" ${END_DESCRIPTOR}>&-`,
    'code=$?',
    `if [ -s ${BUNDLE}/pid ] && ! [ -s ${BUNDLE}/log ] && ! grep -qE '^(panic|fatal error):' ${BUNDLE}/panic; then echo ended >&${END_DESCRIPTOR}; else head -qc 500 ${BUNDLE}/log ${BUNDLE}/panic >&2; fi`,
    'exit $code',
  ];
  return [
    ...['/usr/bin/prlimit', '--core=0', '--', '/bin/sh', '-c', script.join('\n'), 'sh', runsc],
    ...['--rootless', '--ignore-cgroups', '--network=none', `--platform=${platform}`],
    ...[`--root=${BUNDLE}/state`, `--log=${BUNDLE}/log`, `--panic-log=${BUNDLE}/panic`],
    ...['run', `--bundle=${BUNDLE}`, `--pid-file=${BUNDLE}/pid`, 'sandbox'],
  ];
}

/** What gVisor is to run: an OCI runtime specification, with the program's limits as gVisor's kernel keeps them. */
export function containerSpec(
  job: Pick<Execution, 'argv' | 'env' | 'files' | 'onResult' | 'limits'>,
  uid: number,
): string {
  const { argv, env, files, onResult, limits } = job;
  const tmpfs = (destination: string, size: number) => ({
    ...{ destination, type: 'tmpfs', source: 'tmpfs' },
    options: ['nosuid', 'nodev', `size=${size}`, 'mode=0777', `uid=${uid}`, `gid=${uid}`],
  });
  return JSON.stringify({
    ociVersion: '1.0.0',
    process: {
      user: { uid, gid: uid },
      args: ['/bin/sh', '-c', innerScript(files.length > 0, onResult !== undefined), 'sh', ...argv],
      env: Object.entries({ ...BASE_ENV, ...env }).map(([name, value]) => `${name}=${value}`),
      cwd: WORK_DIRECTORY,
      capabilities: {},
      noNewPrivileges: true,
      rlimits: rlimits(limits),
    },
    root: { path: 'rootfs', readonly: true },
    hostname: 'sandbox',
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'nodev', 'noexec'] },
      tmpfs('/dev/shm', SMALL_BYTES),
      tmpfs('/tmp', SMALL_BYTES),
      tmpfs(WORK_DIRECTORY, limits.diskBytes),
    ],
    linux: { namespaces: ['pid', 'network', 'ipc', 'uts', 'mount'].map((type) => ({ type })) },
  });
}

/**
 * The program under a shell that reaps orphans, as in `supervisedCommand`. gVisor takes no descriptor beyond the first three, so that
 * a job with a result writes that to where its stdout leads, and its own stdout to where its stderr does.
 */
function innerScript(hasFiles: boolean, hasResult: boolean): string {
  return [
    ...(hasResult ? [`exec ${RESULT_DESCRIPTOR}>&1 1>&2`] : []),
    'exec 9>&2 2>/dev/null',
    ...(hasFiles ? [`cp -r ${SOURCES}/. .`] : []),
    '(exec "$@" 2>&9 9>&-)',
    'exit $?',
  ].join('\n');
}

function rlimits(limits: ResourceLimits): { type: string; soft: number; hard: number }[] {
  const values = {
    NPROC: limits.processes + 1,
    FSIZE: limits.diskBytes,
    NOFILE: limits.openFiles,
    CPU: limits.cpuSeconds,
    DATA: limits.dataBytes,
    CORE: 0,
  };
  return Object.entries(values).map(([name, value]) => ({ type: `RLIMIT_${name}`, soft: value, hard: value }));
}
