import {
  type Bind,
  type HostFiles,
  type Language,
  PREPARED,
  type SourceFile,
  type Toolchain,
} from '#lib/languages/language';
import { info } from '#lib/languages/rust/info';
import { rustValidator } from '#lib/languages/rust/validator';
import { PROGRAM, RESULT_DESCRIPTOR } from '#lib/languages/sandbox-interface';

const AT = '/opt/rust';
/** The prefix of Debian's package. */
const SYSTEM = '/usr';
const MOLD = '/usr/bin/mold';
/** The dynamic linker of a program, by the target of the C compiler. */
const LOADERS: Record<string, string> = {
  'x86_64-linux-gnu': '/lib64/ld-linux-x86-64.so.2',
  'aarch64-linux-gnu': '/lib/ld-linux-aarch64.so.1',
};

export const rust: Language = {
  ...info,
  mainFileName: () => info.mainFile,
  // The C compiler's driver links.
  findToolchain: (machine) => {
    const prefix = findPrefix(machine);
    if (prefix === undefined || !machine.exists('/usr/bin/cc')) return undefined;
    const isSystem = prefix === SYSTEM;
    const at = isSystem ? SYSTEM : AT;
    return {
      // Every sandbox sees the system's packages.
      binds: isSystem ? [] : [{ from: prefix, at: AT }],
      programs: { rustc: `${at}/bin/rustc`, ...findLinker(machine, prefix, at) },
    };
  },
  version: { command: ({ programs }) => [`${programs.rustc}`, '--version'], pattern: /rustc (\S+)/ },
  installHint: 'Install Rust with rustup or with apt-get install rustc, and a linker: apt-get install gcc mold.',
  // The shared standard library, for programs that do not see the toolchain.
  prepare: {
    isNeeded: false,
    make: ({ binds }, directory) => ({
      argv: ['/bin/sh', '-c', 'cp "$1"/lib/rustlib/*/lib/libstd-*.so "$2"', 'sh', binds[0]?.from ?? SYSTEM, directory],
      env: { PATH: '/usr/bin:/bin' },
    }),
  },
  compile: ({ toolchain }) => ({ steps: [compilerCommand(toolchain)], output: 'program' }),
  warmCompiler: {
    // The compiler starts, which takes longer than a small compilation, and waits where it opens
    // its source. That is a named pipe: a second open of stdin would wait for a writer that has
    // closed.
    command: (toolchain) => ({
      argv: [
        ...['/bin/sh', '-c'],
        [
          'exec 3<&0 </dev/null',
          `mkfifo main.rs && (cat <&3 >main.rs ${RESULT_DESCRIPTOR}>&- &)`,
          `"$@" 3<&- ${RESULT_DESCRIPTOR}>&- >&2 && exec cat program >&${RESULT_DESCRIPTOR}`,
        ].join('; '),
        ...['sh', ...compilerCommand(toolchain)],
      ],
    }),
    accepts: ({ files }) => files.length === 1 && files.every(isReadOnce),
    encode: ({ files }) => files[0]?.content ?? '',
    idleMegabytes: 25,
  },
  nativeBinds: libraryOf,
  run: ({ toolchain, args }) => ({ argv: [PROGRAM, ...args], binds: libraryOf(toolchain) }),
  validate: rustValidator,
  helloProgram:
    'use std::io;\n\nfn main() {\n    let mut name = String::new();\n    io::stdin().read_line(&mut name).unwrap();\n    let name = name.trim();\n    println!("Hello, {}!", if name.is_empty() { "world" } else { name });\n}\n',
};

function compilerCommand({ programs }: Toolchain): string[] {
  return [
    `${programs.rustc}`,
    ...['--edition', '2021', '--crate-name', 'main', '--color', 'never', '-o', 'program'],
    // As `cargo run` does: with overflow checks, and without the time of an optimised build.
    ...['-C', 'opt-level=0', '-C', 'debuginfo=0'],
    // Without the shared library, the standard library is linked statically.
    ...(programs.prepared === undefined ? ['-C', 'strip=debuginfo'] : sharedLibraryFlags(programs)),
    'main.rs',
  ];
}

function sharedLibraryFlags({ prepared, linker, flavor, libraries, gcc, loader }: Toolchain['programs']): string[] {
  const link = (...words: string[]) => words.flatMap((word) => ['-C', `link-arg=${word}`]);
  if (linker === undefined) return ['-C', 'prefer-dynamic', ...link(`-Wl,-rpath=${prepared}`)];
  // Calls the linker with the driver's arguments, since the driver itself takes as long as
  // linking.
  return [
    ...['-C', 'prefer-dynamic', '-C', `linker-flavor=${flavor}`, '-C', `linker=${linker}`],
    // A second thread starts too late for a small program.
    ...link('--threads=1', `${libraries}/Scrt1.o`, `${libraries}/crti.o`, `${gcc}/crtbeginS.o`),
    ...link(`-L${libraries}`, `-L${gcc}`, '-dynamic-linker', `${loader}`, `-rpath=${prepared}`, '-lc'),
    ...link(`${gcc}/crtendS.o`, `${libraries}/crtn.o`),
  ];
}

/** The bind of the shared standard library; none if it is linked statically. */
function libraryOf({ binds }: Toolchain): Bind[] {
  return binds.filter(({ at }) => at === PREPARED);
}

/** Whether a source never opens itself again, which would wait on the pipe for ever. */
function isReadOnce({ text }: SourceFile): boolean {
  return !/include|path|\bmain\s*[;/]/.test(text);
}

/**
 * The directory of rustup's stable toolchain, of another one of rustup, or of the system's. The
 * `rustc` of rustup in PATH is a dispatcher that needs a home directory.
 */
function findPrefix({ exists, list, home }: HostFiles): string | undefined {
  const installed = [`${home}/.rustup/toolchains`, '/usr/local/rustup/toolchains', '/opt/rustup/toolchains'].flatMap(
    (directory) => list(directory).map((name) => `${directory}/${name}`),
  );
  const prefixes = [...installed.filter((path) => path.includes('/stable-')), ...installed];
  const found = prefixes.find((prefix) => exists(`${prefix}/bin/rustc`) && exists(`${prefix}/lib`));
  return found ?? (exists(`${SYSTEM}/bin/rustc`) && exists(`${SYSTEM}/lib/rustlib`) ? SYSTEM : undefined);
}

/**
 * The linker and the C runtime's start and end files; empty if any is missing. Sandboxes see
 * `prefix` at `at`.
 */
function findLinker({ exists, list }: HostFiles, prefix: string, at: string): Record<string, string> {
  for (const [machine, loader] of Object.entries(LOADERS)) {
    const libraries = `/usr/lib/${machine}`;
    const gcc = list(`/usr/lib/gcc/${machine}`)
      .map((version) => `/usr/lib/gcc/${machine}/${version}`)
      .findLast((directory) => exists(`${directory}/crtbeginS.o`) && exists(`${directory}/libgcc_s.so`));
    if (gcc === undefined || !exists(loader) || !exists(`${libraries}/Scrt1.o`)) continue;
    // rustup's linker is faster than mold with a small program.
    const lld = `lib/rustlib/${machine.replace('-', '-unknown-')}/bin/rust-lld`;
    const found = { libraries, gcc, loader };
    if (exists(`${prefix}/${lld}`)) return { linker: `${at}/${lld}`, flavor: 'ld.lld', ...found };
    if (exists(MOLD)) return { linker: MOLD, flavor: 'ld', ...found };
  }
  return {};
}
