import {
  type Bind,
  type HostFiles,
  type Language,
  PREPARED,
  type SourceFile,
  type Toolchain,
} from '#lib/languages/language';
import { rustValidator } from '#lib/languages/rust/validator';
import { PROGRAM, RESULT_DESCRIPTOR } from '#lib/runner/sandbox/sandbox';

const AT = '/opt/rust';
/** Where Debian's package is. */
const SYSTEM = '/usr';
const MOLD = '/usr/bin/mold';
/** The dynamic linker, which a program names, by the machine that the C compiler is for. */
const LOADERS: Record<string, string> = {
  'x86_64-linux-gnu': '/lib64/ld-linux-x86-64.so.2',
  'aarch64-linux-gnu': '/lib/ld-linux-aarch64.so.1',
};

export const rust: Language = {
  id: 'rust',
  name: 'Rust',
  aliases: ['rs'],
  mainFileName: () => 'main.rs',
  extension: '.rs',
  // Linking is done by the C compiler's driver, whose files are needed too.
  findToolchain: (machine) => {
    const prefix = findPrefix(machine);
    if (prefix === undefined || !machine.exists('/usr/bin/cc')) return undefined;
    const isSystem = prefix === SYSTEM;
    const at = isSystem ? SYSTEM : AT;
    return {
      // What the system's packages install is seen by every program anyway.
      binds: isSystem ? [] : [{ from: prefix, at: AT }],
      programs: { rustc: `${at}/bin/rustc`, ...findLinker(machine, prefix, at) },
    };
  },
  version: { command: ({ programs }) => [`${programs.rustc}`, '--version'], pattern: /rustc (\S+)/ },
  installHint: 'Install Rust with rustup or with apt-get install rustc, and a linker: apt-get install gcc mold.',
  // The standard library as programs share it, where they can see it and the toolchain is out of sight.
  prepare: {
    isNeeded: false,
    make: ({ binds }, directory) => ({
      argv: ['/bin/sh', '-c', 'cp "$1"/lib/rustlib/*/lib/libstd-*.so "$2"', 'sh', binds[0]?.from ?? SYSTEM, directory],
      env: { PATH: '/usr/bin:/bin' },
    }),
  },
  compile: ({ toolchain }) => ({ steps: [compilerCommand(toolchain)], output: 'program' }),
  warmCompiler: {
    // It is started, and waits where it opens its source, which takes longer than to compile a small one. Its source is a pipe
    // of its own: to open stdin once more would be to wait for a writer who may be gone.
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
    // As `cargo run` does it: overflow is checked, and to optimise would take a small program four times as long.
    ...['-C', 'opt-level=0', '-C', 'debuginfo=0'],
    // Without the shared library, the standard library becomes part of the program, which must run without sight of it.
    ...(programs.prepared === undefined ? ['-C', 'strip=debuginfo'] : sharing(programs)),
    'main.rs',
  ];
}

function sharing({ prepared, linker, flavor, libraries, gcc, loader }: Toolchain['programs']): string[] {
  const link = (...words: string[]) => words.flatMap((word) => ['-C', `link-arg=${word}`]);
  if (linker === undefined) return ['-C', 'prefer-dynamic', ...link(`-Wl,-rpath=${prepared}`)];
  // The linker itself, with what the C compiler's driver would hand to it: finding that out takes it as long as to link.
  return [
    ...['-C', 'prefer-dynamic', '-C', `linker-flavor=${flavor}`, '-C', `linker=${linker}`],
    // A small program is linked before a second thread has begun.
    ...link('--threads=1', `${libraries}/Scrt1.o`, `${libraries}/crti.o`, `${gcc}/crtbeginS.o`),
    ...link(`-L${libraries}`, `-L${gcc}`, '-dynamic-linker', `${loader}`, `-rpath=${prepared}`, '-lc'),
    ...link(`${gcc}/crtendS.o`, `${libraries}/crtn.o`),
  ];
}

/** Nothing where the standard library is part of the program. */
function libraryOf({ binds }: Toolchain): Bind[] {
  return binds.filter(({ at }) => at === PREPARED);
}

/** Whether a source cannot ask for itself a second time, which would wait for ever. */
function isReadOnce({ text }: SourceFile): boolean {
  return !/include|path|\bmain\s*[;/]/.test(text);
}

/** rustup's stable toolchain, or whichever there is, or the system's; by its own directory: rustup's `rustc` in PATH is a dispatcher that needs a home. */
function findPrefix({ exists, list, home }: HostFiles): string | undefined {
  const own = [`${home}/.rustup/toolchains`, '/usr/local/rustup/toolchains', '/opt/rustup/toolchains'].flatMap(
    (directory) => list(directory).map((name) => `${directory}/${name}`),
  );
  const prefixes = [...own.filter((path) => path.includes('/stable-')), ...own];
  const found = prefixes.find((prefix) => exists(`${prefix}/bin/rustc`) && exists(`${prefix}/lib`));
  return found ?? (exists(`${SYSTEM}/bin/rustc`) && exists(`${SYSTEM}/lib/rustlib`) ? SYSTEM : undefined);
}

/** The linker, and the files that every program begins and ends with; nothing where any of it is missing. `at` is where sandboxes see `prefix`. */
function findLinker({ exists, list }: HostFiles, prefix: string, at: string): Record<string, string> {
  for (const [machine, loader] of Object.entries(LOADERS)) {
    const libraries = `/usr/lib/${machine}`;
    const gcc = list(`/usr/lib/gcc/${machine}`)
      .map((version) => `/usr/lib/gcc/${machine}/${version}`)
      .findLast((directory) => exists(`${directory}/crtbeginS.o`) && exists(`${directory}/libgcc_s.so`));
    if (gcc === undefined || !exists(loader) || !exists(`${libraries}/Scrt1.o`)) continue;
    // rustup's own: quicker than mold with a small program.
    const lld = `lib/rustlib/${machine.replace('-', '-unknown-')}/bin/rust-lld`;
    const found = { libraries, gcc, loader };
    if (exists(`${prefix}/${lld}`)) return { linker: `${at}/${lld}`, flavor: 'ld.lld', ...found };
    if (exists(MOLD)) return { linker: MOLD, flavor: 'ld', ...found };
  }
  return {};
}
