import type { Language, Machine } from '#lib/runner/languages/language';
import { PROGRAM } from '#lib/runner/sandbox/sandbox';
import { rustValidator } from '#lib/runner/validators/rust';

const AT = '/opt/rust';

export const rust: Language = {
  id: 'rust',
  name: 'Rust',
  aliases: ['rs'],
  mainFile: () => 'main.rs',
  extension: '.rs',
  // Linking is done by the C compiler's driver, whose files are needed too.
  find: (machine) => {
    const prefix = findPrefix(machine);
    if (prefix === undefined || !machine.exists('/usr/bin/cc')) return undefined;
    return { binds: [{ from: prefix, at: AT }], programs: { rustc: `${AT}/bin/rustc` } };
  },
  version: { command: ({ programs }) => [`${programs.rustc}`, '--version'], pattern: /rustc (\S+)/ },
  install: 'Install Rust with rustup, and a linker: apt-get install gcc.',
  compile: ({ toolchain: { programs } }) => ({
    steps: [
      [
        `${programs.rustc}`,
        ...['--edition', '2021', '--crate-name', 'main', '--color', 'never', '-o', 'program'],
        // The standard library is linked into the program, which so runs without sight of the toolchain.
        ...['-C', 'opt-level=1', '-C', 'debuginfo=0', '-C', 'strip=debuginfo'],
        'main.rs',
      ],
    ],
    output: 'program',
  }),
  isNative: true,
  run: ({ args }) => ({ argv: [PROGRAM, ...args], binds: [] }),
  validate: rustValidator,
  sample:
    'use std::io;\n\nfn main() {\n    let mut name = String::new();\n    io::stdin().read_line(&mut name).unwrap();\n    let name = name.trim();\n    println!("Hello, {}!", if name.is_empty() { "world" } else { name });\n}\n',
};

/** rustup's stable toolchain, or whichever there is, by its own directory: its `rustc` in PATH is a dispatcher that needs a home. */
function findPrefix({ exists, list, home }: Machine): string | undefined {
  const own = [`${home}/.rustup/toolchains`, '/usr/local/rustup/toolchains', '/opt/rustup/toolchains'].flatMap(
    (directory) => list(directory).map((name) => `${directory}/${name}`),
  );
  const prefixes = [...own.filter((path) => path.includes('/stable-')), ...own];
  return prefixes.find((prefix) => exists(`${prefix}/bin/rustc`) && exists(`${prefix}/lib`));
}
