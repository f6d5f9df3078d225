import { authMode } from '#lib/config/auth-mode';
import { AppError } from '#lib/errors';
import type { RequestHandler } from '#lib/http/route';

/**
 * The handler of this name in a module of accounts, which the first request loads. Without
 * AUTH=accounts it does nothing, and the module is never loaded.
 */
export function withAccounts<Name extends string>(
  load: () => Promise<Readonly<Record<Name, RequestHandler>>>,
  name: Name,
): RequestHandler {
  return async (request, context) => {
    if (authMode(context.settings) === 'accounts') return (await load())[name](request, context);
    throw new AppError('not_configured', 'This server has no accounts. Set AUTH=accounts to let people sign in.');
  };
}
