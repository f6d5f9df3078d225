import type { WarmProcessSpec } from '#lib/languages/language';
import { toMarshal } from '#lib/languages/python/python-marshal';
import { INPUT_DESCRIPTOR, PROGRAM } from '#lib/languages/sandbox-interface';

export const PYTHON_ENVIRONMENT = {
  PYTHONDONTWRITEBYTECODE: '1',
  PYTHONIOENCODING: 'utf-8:surrogateescape',
};

/**
 * Waits for a program and becomes it. The program must see nothing of this, so that it loads no
 * module that a cold start does not.
 */
const WAIT_AND_RUN = `
import sys

def wait():
    import gc, marshal, os
    # Excludes what exists already from the collection at the program's end.
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
        # Leaves this file out of the traceback.
        trace = error.__traceback__.tb_next
        sys.excepthook(type(error), error.with_traceback(trace), trace)
        sys.exit(130 if isinstance(error, KeyboardInterrupt) else 1)

run(*wait())
`;

export const warmPython: WarmProcessSpec = {
  script: WAIT_AND_RUN,
  command: ({ programs }) => ({ argv: [`${programs.python3}`, '-u', PROGRAM], env: PYTHON_ENVIRONMENT }),
  encode: ({ context, files }) => toMarshal([files.map(({ name, content }) => [name, content]), [...context.args]]),
  idleMegabytes: 6,
  zygote: { by: 'fork' },
};
