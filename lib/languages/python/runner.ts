import type { Language } from '#lib/languages/language';
import { toMarshal } from '#lib/languages/python/python-marshal';
import { pythonValidator } from '#lib/languages/python/validator';
import { INPUT_DESCRIPTOR, PROGRAM } from '#lib/runner/sandbox/sandbox';

const ENVIRONMENT = { PYTHONDONTWRITEBYTECODE: '1', PYTHONIOENCODING: 'utf-8:surrogateescape' };
const PLACES = ['/usr/bin/python3', '/usr/local/bin/python3'];

/** Read as a program is: nothing here may be seen by what runs after it, and no module is loaded that a program's own start would not. */
const WAIT = `
import sys

def wait():
    import gc, marshal, os
    # What is there already need not be looked through when the program ends.
    gc.freeze()
    del sys.modules["gc"]
    with open(${INPUT_DESCRIPTOR}, "rb") as channel:
        files, args = marshal.loads(channel.read())
    for path, content in files:
        if "/" in path:
            os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as out:
            out.write(content)
    name, source = files[0]
    sys.argv[:] = [name, *args]
    sys.path[0] = os.getcwd()
    main = type(sys)("__main__")
    main.__file__ = os.path.join(os.getcwd(), name)
    main.__builtins__ = __builtins__
    sys.modules["__main__"] = main
    return main, source

def run(main, source):
    try:
        exec(compile(source, main.__file__, "exec"), main.__dict__)
    except SystemExit:
        raise
    except BaseException as error:
        # As if nobody had called the program: this file is not in its traceback.
        trace = error.__traceback__.tb_next
        sys.excepthook(type(error), error.with_traceback(trace), trace)
        sys.exit(130 if isinstance(error, KeyboardInterrupt) else 1)

run(*wait())
`;

export const python: Language = {
  id: 'python',
  name: 'Python',
  aliases: ['py', 'python3'],
  mainFileName: () => 'main.py',
  extension: '.py',
  findToolchain: ({ exists }) => {
    const python3 = PLACES.find(exists);
    return python3 === undefined ? undefined : { binds: [], programs: { python3 } };
  },
  version: { command: ({ programs }) => [`${programs.python3}`, '--version'], pattern: /Python (\S+)/ },
  installHint: 'Install Python: apt-get install python3.',
  // Unbuffered, so that what was printed before a time-out or a crash is seen, and seen at once.
  run: ({ toolchain, args }) => ({
    argv: [`${toolchain.programs.python3}`, '-u', 'main.py', ...args],
    env: ENVIRONMENT,
  }),
  warm: {
    script: WAIT,
    command: ({ programs }) => ({ argv: [`${programs.python3}`, '-u', PROGRAM], env: ENVIRONMENT }),
    encode: ({ context, files }) => toMarshal([files.map(({ name, content }) => [name, content]), [...context.args]]),
    idleMegabytes: 6,
  },
  validate: pythonValidator,
  helloProgram: 'name = input("Your name: ") or "world"\nprint(f"Hello, {name}!")\n',
};
