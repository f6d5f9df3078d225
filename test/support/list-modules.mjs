import { appendFileSync } from 'node:fs';
import { registerHooks } from 'node:module';

/** Appends the address of every module that the process loads to the file MODULE_LIST. */
registerHooks({
  load(url, context, nextLoad) {
    appendFileSync(process.env.MODULE_LIST ?? '/dev/null', `${url}\n`);
    return nextLoad(url, context);
  },
});
