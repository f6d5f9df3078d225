import { authMode } from '#lib/config/auth-mode';
import type { Config } from '#lib/config/config';
import { AppError } from '#lib/errors';
import type { RequestHandler } from '#lib/http/route';
import { type Store, store } from '#lib/store/store';

/** Wraps the handlers of accounts: without AUTH=accounts they do nothing, and load nothing. */
export function withAccounts(handler: RequestHandler): RequestHandler {
  return (request, context) => {
    if (authMode(context.settings) === 'accounts') return handler(request, context);
    throw notConfigured();
  };
}

/** For what other code calls. */
export async function accountStore(settings: Config): Promise<Store> {
  if (authMode(settings) !== 'accounts') throw notConfigured();
  return await store();
}

function notConfigured(): AppError {
  return new AppError('not_configured', 'This server has no accounts. Set AUTH=accounts to let people sign in.');
}
