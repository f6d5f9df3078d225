/**
 * Compiles what the server is made of into NODE_COMPILE_CACHE, so that its first start is as quick
 * and as small as every other: where all of it is found there, the compiler that strips types is
 * never loaded.
 */
import { flushCompileCache } from 'node:module';
import { createAppServer } from '#lib/server/app-server';

await createAppServer({ root: process.cwd(), loadPages: () => Promise.reject(new Error('no page is asked for')) });
await import('../server.ts');
flushCompileCache();
process.exit(0);
