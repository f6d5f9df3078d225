import { goBuildSteps } from '#lib/languages/go/build-steps';
import { info } from '#lib/languages/go/info';
import { goValidator } from '#lib/languages/go/validator';
import type { Language } from '#lib/languages/language';
import { PROGRAM } from '#lib/languages/sandbox-interface';

const AT = '/opt/go';
const ROOTS = ['/usr/local/go', '/usr/lib/go', '/usr/local/lib/go'];
/** The collector works harder before the memory limit is reached. */
const HEAP_SHARE = 0.8;

export const go: Language = {
  ...info,
  mainFileName: () => info.mainFile,
  findToolchain: ({ exists, list }) => {
    const root = ROOTS.find((path) => exists(`${path}/bin/go`));
    const platform = root === undefined ? undefined : list(`${root}/pkg/tool`)[0];
    if (platform === undefined) return undefined;
    const tools = `${AT}/pkg/tool/${platform}`;
    return {
      binds: [{ from: `${root}`, at: AT }],
      programs: {
        ...{ compile: `${tools}/compile`, link: `${tools}/link` },
        // This package came with Go 1.22.
        ...(exists(`${root}/src/math/rand/v2`) ? { since122: `${AT}/src/math/rand/v2` } : {}),
      },
    };
  },
  // The `go` command would leave a telemetry process behind.
  version: { command: ({ programs }) => [`${programs.compile}`, '-V'], pattern: /version go(\S+)/ },
  installHint: 'Install Go below /usr/local/go, or with apt-get install golang-go.',
  // Go ships its standard library as source.
  prepare: {
    isNeeded: true,
    make: ({ binds }, directory) => ({
      argv: [
        `${binds[0]?.from}/bin/go`,
        ...['list', '-export', '-f', '{{if .Export}}packagefile {{.ImportPath}}={{.Export}}{{end}}', 'std'],
      ],
      env: {
        ...{ GOROOT: `${binds[0]?.from}`, GOCACHE: directory, GOPATH: `${directory}/path`, HOME: directory },
        ...{ GOTOOLCHAIN: 'local', GOPROXY: 'off', GOENV: 'off', CGO_ENABLED: '0', PATH: '/usr/bin:/bin' },
      },
    }),
  },
  compile: ({ toolchain, files }) => ({
    steps: goBuildSteps(toolchain, files, true),
    // Compiler and linker end before a collection pays off.
    env: { GOGC: 'off' },
    output: 'program',
  }),
  nativeBinds: () => [],
  run: ({ args, memoryMb }) => ({
    argv: [PROGRAM, ...args],
    env: { GOMEMLIMIT: `${Math.floor(memoryMb * HEAP_SHARE)}MiB` },
    binds: [],
  }),
  validate: goValidator,
  helloProgram:
    'package main\n\nimport (\n\t"bufio"\n\t"fmt"\n\t"os"\n)\n\nfunc main() {\n\tname := "world"\n\tif in := bufio.NewScanner(os.Stdin); in.Scan() {\n\t\tname = in.Text()\n\t}\n\tfmt.Printf("Hello, %s!\\n", name)\n}\n',
};
