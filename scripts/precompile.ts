/**
 * Compiles what the server is made of into NODE_COMPILE_CACHE, so that its first start is as quick
 * and as small as every other: where all of it is found there, the compiler that strips types is
 * never loaded.
 */
import { flushCompileCache } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { loadZod } from '#lib/server/load-zod';
import { findRouteFiles } from '#lib/server/route-table';

await loadZod();
await import('../server.ts');
await Promise.all([import('#lib/server/start'), import('#lib/server/workers/supervisor')]);
// Loaded once the server listens, and by the first request for each.
await Promise.all([import('#lib/server/announce'), import('#lib/server/initial-data-source')]);
await findRouteFiles(join(process.cwd(), 'app'), async (file) => await import(pathToFileURL(file).href));
// Loaded with the database, after the server listens.
await Promise.all([
  import('#lib/store/open-store'),
  import('#lib/store/engines/sqlite/open'),
  import('#lib/store/retention'),
  import('#lib/store/retention-rules'),
  import('#lib/chat/http/restored-requests'),
  import('#lib/people/admin/restore'),
  import('#lib/people/usage/usage-statements'),
]);
// Loaded by the first request or setting that needs them.
await Promise.all([
  import('#lib/gateway/node-handler'),
  import('#lib/people/usage/usage-report'),
  import('#lib/people/usage/usage-names'),
  import('#lib/people/accounts/http/join-handlers'),
  import('#lib/people/accounts/http/own-account'),
  import('#lib/openapi/document'),
  import('#lib/people/accounts/start'),
  import('#lib/people/accounts/http/auth-handlers'),
  import('#lib/people/accounts/http/group-handlers'),
  import('#lib/people/accounts/http/invitation-handlers'),
  import('#lib/people/accounts/http/key-handlers'),
  import('#lib/people/accounts/http/user-handlers'),
  import('#lib/people/mail/mail-readiness'),
]);
flushCompileCache();
process.exit(0);
