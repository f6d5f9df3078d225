/**
 * The system calls that programs may not make, after the lists of flatpak, isolate and Docker. All
 * others are allowed: namespaces, rlimits and the empty capability set bound them.
 *
 * The numbers are from the kernel: arch/x86/entry/syscalls/syscall_64.tbl and
 * include/uapi/asm-generic/unistd.h. A test compares each with libseccomp's.
 */

export const EPERM = 1;
export const EMFILE = 24;
export const ENOSYS = 38;

export interface Architecture {
  /** AUDIT_ARCH_*. */
  audit: number;
  /** x86-64 has a second ABI (x32) with the same audit value, whose numbers start here. */
  foreignAbiFrom: number | undefined;
  /** Undefined if the call does not exist. */
  number: (name: DeniedCall | ConditionalCall) => number | undefined;
}

/** [x86-64, generic table (arm64)]; calls since Linux 5.1 have one number everywhere. */
const NUMBERS = {
  // Calls that make namespaces, mounts and roots, or reach into another process.
  unshare: [272, 97],
  setns: [308, 268],
  mount: [165, 40],
  umount2: [166, 39],
  pivot_root: [155, 41],
  chroot: [161, 51],
  ptrace: [101, 117],
  process_vm_readv: [310, 270],
  process_vm_writev: [311, 271],
  process_madvise: [440, 440],
  pidfd_getfd: [438, 438],
  kcmp: [312, 272],
  // Kernel subsystems with a long record of vulnerabilities, which no program here needs.
  add_key: [248, 217],
  request_key: [249, 218],
  keyctl: [250, 219],
  bpf: [321, 280],
  perf_event_open: [298, 241],
  userfaultfd: [323, 282],
  fanotify_init: [300, 262],
  lookup_dcookie: [212, 18],
  name_to_handle_at: [303, 264],
  open_by_handle_at: [304, 265],
  migrate_pages: [256, 238],
  move_pages: [279, 239],
  modify_ldt: [154, undefined],
  vmsplice: [278, 75],
  // The state of the machine.
  kexec_load: [246, 104],
  kexec_file_load: [320, 294],
  init_module: [175, 105],
  finit_module: [313, 273],
  delete_module: [176, 106],
  create_module: [174, undefined],
  query_module: [178, undefined],
  get_kernel_syms: [177, undefined],
  nfsservctl: [180, 42],
  acct: [163, 89],
  quotactl: [179, 60],
  swapon: [167, 224],
  swapoff: [168, 225],
  reboot: [169, 142],
  syslog: [103, 116],
  sethostname: [170, 161],
  setdomainname: [171, 162],
  settimeofday: [164, 170],
  clock_settime: [227, 112],
  vhangup: [153, 58],
  iopl: [172, undefined],
  ioperm: [173, undefined],
  uselib: [134, undefined],
  ustat: [136, undefined],
  sysfs: [139, undefined],
  _sysctl: [156, undefined],
  // Newer calls: without them, a libc falls back to older ones, which are filtered above.
  clone3: [435, 435],
  io_uring_setup: [425, 425],
  io_uring_enter: [426, 426],
  io_uring_register: [427, 427],
  open_tree: [428, 428],
  move_mount: [429, 429],
  fsopen: [430, 430],
  fsconfig: [431, 431],
  fsmount: [432, 432],
  fspick: [433, 433],
  mount_setattr: [442, 442],
  quotactl_fd: [443, 443],
  memfd_secret: [447, 447],
  // The kernel limits instances per user of the machine: one run could take all of them.
  inotify_init: [253, undefined],
  inotify_init1: [294, 26],
  // Memory that belongs to no process: denied unless a control group counts it.
  memfd_create: [319, 279],
  shmget: [29, 194],
  semget: [64, 190],
  msgget: [68, 186],
  // Filtered by their arguments.
  clone: [56, 220],
  personality: [135, 92],
  ioctl: [16, 29],
  socket: [41, 198],
  setsockopt: [54, 208],
  fcntl: [72, 25],
} satisfies Record<string, [number, number | undefined]>;

type CallName = keyof typeof NUMBERS;
export type ConditionalCall = 'clone' | 'personality' | 'ioctl' | 'socket' | 'setsockopt' | 'fcntl';
export type DeniedCall = Exclude<CallName, ConditionalCall>;

const CONDITIONAL: ReadonlySet<string> = new Set<ConditionalCall>([
  'clone',
  'personality',
  'ioctl',
  'socket',
  'setsockopt',
  'fcntl',
]);
const UNCOUNTED: ReadonlySet<string> = new Set(['memfd_create', 'shmget', 'semget', 'msgget']);
const EXHAUSTED: ReadonlySet<string> = new Set(['inotify_init', 'inotify_init1']);
const MISSING: ReadonlySet<string> = new Set([
  'clone3',
  'io_uring_setup',
  'io_uring_enter',
  'io_uring_register',
  'open_tree',
  'move_mount',
  'fsopen',
  'fsconfig',
  'fsmount',
  'fspick',
  'mount_setattr',
  'quotactl_fd',
  'memfd_secret',
  ...UNCOUNTED,
]);

export interface Denial {
  call: DeniedCall;
  errno: number;
}

/** Calls that always fail. `countsMemory`: a control group bounds the memory of the sandbox. */
export function denied(countsMemory: boolean): Denial[] {
  return (Object.keys(NUMBERS) as CallName[])
    .filter((name): name is DeniedCall => !CONDITIONAL.has(name) && !(countsMemory && UNCOUNTED.has(name)))
    .map((call) => ({ call, errno: EXHAUSTED.has(call) ? EMFILE : MISSING.has(call) ? ENOSYS : EPERM }));
}

/** clone(2) with this flag makes a user namespace, in which a program has all capabilities. */
export const CLONE_NEWUSER = 0x10000000;
/** personality(2) may be read (all ones) or set to the default; others disable protections. */
export const ALLOWED_PERSONALITIES = [0, 0xffffffff] as const;
/** They insert terminal input. The kernel reads 32 bits of the request, and so does the filter. */
export const DENIED_IOCTLS = [0x5412 /* TIOCSTI */, 0x541c /* TIOCLINUX */] as const;
/** AF_UNIX, AF_INET, AF_INET6. Netlink, packet and vsock sockets reach beyond the namespace. */
export const ALLOWED_SOCKET_FAMILIES = [1, 2, 10] as const;

/** setsockopt(2): the level and the options that enlarge the buffers of a socket. */
export const SOL_SOCKET = 1;
export const BUFFER_OPTIONS = [
  7 /* SO_SNDBUF */, 8 /* SO_RCVBUF */, 32 /* SO_SNDBUFFORCE */, 33 /* SO_RCVBUFFORCE */,
] as const;

/**
 * fcntl(2): leases, notices of a directory, delegations. Programs see the same read-only files: a
 * lease delays each opening by another program, and a notice reports it.
 */
export const DENIED_FCNTLS = [1024 /* F_SETLEASE */, 1026 /* F_NOTIFY */, 1040 /* F_SETDELEG */] as const;
/** fcntl(2): enlarges a pipe from 64 KiB to a megabyte. */
export const F_SETPIPE_SZ = 1031;

const X32_BIT = 0x40000000;

export const ARCHITECTURES: Partial<Record<string, Architecture>> = {
  x64: { audit: 0xc000003e, foreignAbiFrom: X32_BIT, number: (name) => NUMBERS[name][0] },
  arm64: { audit: 0xc00000b7, foreignAbiFrom: undefined, number: (name) => NUMBERS[name][1] },
};
