import { PROGRAM, RESULT_DESCRIPTOR } from '#lib/languages/sandbox-interface';
import type { ResourceLimits } from '#lib/runner/resource-limits';
import {
  BASE_ENV,
  type PassedDescriptors,
  type SystemLayout,
  WORK_DIRECTORY,
} from '#lib/runner/sandbox/bubblewrap/arguments';
import type { Execution } from '#lib/runner/sandbox/sandbox';
import { MIB } from '#lib/units';

/**
 * The OCI bundle, inside the namespaces of bubblewrap. None of its files has a name on the host.
 */
const BUNDLE = '/bundle';
const ROOT = `${BUNDLE}/rootfs`;
/**
 * Holds the program's files until they are copied to the work directory, which is a gVisor mount.
 */
const SOURCES = '/sources';
/** The descriptor that reports that the program ended, and not gVisor. */
export const END_DESCRIPTOR = 5;

/** Size of each of /tmp and /dev/shm. */
const SMALL_BYTES = 8 * MIB;
/** Upper bound of a compiled program with its sources. */
const BUNDLE_BYTES = 512 * MIB;

/** Numbers of the descriptors that bubblewrap gets. */
export type BundleDescriptors = Pick<PassedDescriptors, 'status' | 'system' | 'binds' | 'program' | 'files'> & {
  /** The output of `containerSpec`. */
  spec: number;
};

/**
 * Arguments for the outer sandbox: namespaces without network, with the system's directories
 * read-only, and no other files of the host. gVisor runs as its root, an unprivileged user
 * outside. The read-only root of the program is assembled here, too.
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
    // Capabilities in this user namespace only: gVisor makes further namespaces in it.
    ...['--uid', '0', '--gid', '0', '--cap-add', 'ALL', '--hostname', 'sandbox'],
    ...['--json-status-fd', `${passed.status}`],
    ...seen(''),
    ...['--proc', '/proc', '--dev', '/dev', '--size', `${MIB}`, '--tmpfs', '/tmp'],
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

/** Parent folders of `paths`, outermost first. bubblewrap would create them with mode 0700. */
function foldersOf(paths: readonly string[]): string[] {
  const folders = new Set<string>();
  for (const path of paths)
    for (let end = path.indexOf('/'); end >= 0; end = path.indexOf('/', end + 1)) folders.add(path.slice(0, end));
  return [...folders].toSorted();
}

/**
 * gVisor truncates a write to a pipe of the host that is almost full, where Linux would block.
 * Pipes that hold the largest output avoid that. Perl, which Debian always has, can enlarge them;
 * without it, a single write of more than 64 KiB may be cut.
 */
const PERL = '/usr/bin/perl';
const PIPE_BYTES = 512 * 1024;
/** From linux/fcntl.h. */
const F_SETPIPE_SZ = 1031;

/**
 * Runs gVisor, then reports on `END_DESCRIPTOR` if the program ended: a failure of gVisor can have
 * the same exit code. gVisor gets no descriptors except stdin, stdout and stderr.
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

/** An OCI runtime specification, with the limits that gVisor's kernel enforces. */
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
 * Runs the program under a shell that reaps orphans, as `supervisedCommand` does. gVisor passes
 * three descriptors only, so a result takes the place of stdout, and stdout goes to stderr.
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
