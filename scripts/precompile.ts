/**
 * Compiles what the server is made of into NODE_COMPILE_CACHE, so that its first start is as quick
 * and as small as every other: where all of it is found there, the compiler that strips types is
 * never loaded.
 */
import { flushCompileCache } from 'node:module';
import { createAppServer } from '#lib/server/app-server';

await createAppServer({ root: process.cwd(), loadPages: () => Promise.reject(new Error('no page is asked for')) });
await import('../server.ts');
await Promise.all([import('#lib/server/start'), import('#lib/server/workers/supervisor')]);
// Loaded with the database, after the server listens.
await Promise.all([
  import('#lib/store/open-store'),
  import('#lib/store/engines/sqlite/open'),
  import('#lib/store/retention'),
  import('#lib/store/retention-rules'),
]);
// Loaded by the first request that needs them.
await Promise.all([
  import('#lib/openapi/document'),
  import('#lib/people/accounts/start'),
  import('#lib/people/accounts/http/auth-handlers'),
  import('#lib/people/accounts/http/group-handlers'),
  import('#lib/people/accounts/http/invitation-handlers'),
  import('#lib/people/accounts/http/key-handlers'),
  import('#lib/people/accounts/http/user-handlers'),
]);
flushCompileCache();
process.exit(0);
