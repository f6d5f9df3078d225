import { registerHooks } from 'node:module';

/** From where zod's entries import its messages in 63 languages. */
const LOCALES = '../locales/index.js';
const ENTRY = /\/node_modules\/zod\/v4\/(?:classic|core)\/\w+\.js$/;
const NO_LOCALES = 'data:text/javascript,';

/**
 * Loads zod without the languages that its entries re-export and nothing here uses: it imports its
 * English messages apart. To be called before anything imports zod; later imports get the same
 * modules.
 */
export async function loadZod(): Promise<void> {
  const hooks = registerHooks({
    resolve: (specifier, context, nextResolve) =>
      specifier === LOCALES && ENTRY.test(context.parentURL ?? '')
        ? { url: NO_LOCALES, format: 'module', shortCircuit: true }
        : nextResolve(specifier, context),
  });
  try {
    await import('zod');
  } finally {
    hooks.deregister();
  }
}
