import type { Language } from '#lib/runner/languages/language';
import { asJson } from '#lib/runner/languages/node';
import { INPUT_DESCRIPTOR, PROGRAM } from '#lib/runner/sandbox/sandbox';
import { pythonValidator } from '#lib/runner/validators/python';

const ENVIRONMENT = { PYTHONDONTWRITEBYTECODE: '1', PYTHONIOENCODING: 'utf-8:surrogateescape' };
const PLACES = ['/usr/bin/python3', '/usr/local/bin/python3'];

/** Read as a program is: nothing here may be seen by what runs after it but the modules that it has loaded. */
const WAIT = `
import sys

def wait():
    import base64, json, os, types
    with open(${INPUT_DESCRIPTOR}, "rb") as channel:
        program = json.load(channel)
    for file in program["files"]:
        if os.path.dirname(file["name"]):
            os.makedirs(os.path.dirname(file["name"]), exist_ok=True)
        with open(file["name"], "wb") as out:
            out.write(base64.b64decode(file["content"]))
    name = program["files"][0]["name"]
    sys.argv[:] = [name, *program["args"]]
    sys.path[0] = os.getcwd()
    main = types.ModuleType("__main__")
    main.__file__ = os.path.join(os.getcwd(), name)
    main.__builtins__ = __builtins__
    sys.modules["__main__"] = main
    return main, base64.b64decode(program["files"][0]["content"])

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
  mainFile: () => 'main.py',
  extension: '.py',
  find: ({ exists }) => {
    const python3 = PLACES.find(exists);
    return python3 === undefined ? undefined : { binds: [], programs: { python3 } };
  },
  version: { command: ({ programs }) => [`${programs.python3}`, '--version'], pattern: /Python (\S+)/ },
  install: 'Install Python: apt-get install python3.',
  // Unbuffered, so that what was printed before a time-out or a crash is seen, and seen at once.
  run: ({ toolchain, args }) => ({
    argv: [`${toolchain.programs.python3}`, '-u', 'main.py', ...args],
    env: ENVIRONMENT,
  }),
  warm: {
    script: WAIT,
    command: ({ programs }) => ({ argv: [`${programs.python3}`, '-u', PROGRAM], env: ENVIRONMENT }),
    message: asJson,
    megabytes: 6,
  },
  validate: pythonValidator,
  sample: 'name = input("Your name: ") or "world"\nprint(f"Hello, {name}!")\n',
};
