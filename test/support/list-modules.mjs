import diagnostics from 'node:diagnostics_channel';
import { appendFileSync } from 'node:fs';
import { registerHooks } from 'node:module';

/**
 * Appends the address of every module that the process loads to the file MODULE_LIST, and a line
 * `listening` when a server of it listens.
 */
const append = (line) => appendFileSync(process.env.MODULE_LIST ?? '/dev/null', `${line}\n`);

registerHooks({
  load(url, context, nextLoad) {
    append(url);
    return nextLoad(url, context);
  },
});
diagnostics.subscribe('tracing:net.server.listen:asyncEnd', () => append('listening'));
