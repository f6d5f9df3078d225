import { type Config, config } from '#lib/config/config';
import { authHooks } from '#lib/people/accounts/auth-hooks';
import { type AuthPlugins, authOptions } from '#lib/people/accounts/auth-options';
import { recordMaker, resetIdentifier } from '#lib/people/accounts/reset-links';
import { authSecret } from '#lib/people/accounts/server-secret';
import { newToken } from '#lib/people/secret-token';
import { singleton } from '#lib/singletons';
import { type Store, store } from '#lib/store/store';
import { DAY_MS } from '#lib/units';

/** better-auth, loaded at the first request that needs it, and with AUTH=accounts only. */
export interface AuthLibrary {
  readonly store: Store;
  handle(request: Request, isSecure: boolean): Promise<Response>;
  hashPassword(password: string): Promise<string>;
  isPassword(hash: string, password: string): Promise<boolean>;
  /**
   * Makes the one-time token of a link that sets a password, valid for a day and as long as the
   * person who makes it may. `madeBy` is undefined for a key of the settings, and
   * for a link that only the person gets by mail.
   */
  createResetToken(userId: string, madeBy: string | undefined): Promise<string>;
}

export async function loadAuthLibrary(opened: Store, settings: Config): Promise<AuthLibrary> {
  const [{ betterAuth }, { getOAuthState }, { admin }, { twoFactor }, { genericOAuth }] = await Promise.all([
    import('better-auth'),
    import('better-auth/api'),
    import('better-auth/plugins/admin'),
    import('better-auth/plugins/two-factor'),
    import('better-auth/plugins/generic-oauth'),
  ]);
  const plugins: AuthPlugins = { admin, twoFactor, genericOAuth };
  const secret = await authSecret(opened, settings.AUTH_SECRET);
  const invitationOfState = async (): Promise<string | undefined> => {
    const state: Readonly<Record<string, unknown>> | null = await getOAuthState();
    const hash = state?.invitation_hash;
    return typeof hash === 'string' ? hash : undefined;
  };
  const hooks = authHooks({ store: opened, settings, invitationOfState });
  const create = (isSecure: boolean) =>
    betterAuth(authOptions(plugins, { store: opened, secret, settings, isSecure, hooks }));
  const plain = create(false);
  let overTls: ReturnType<typeof create> | undefined;
  const context = await plain.$context;
  return {
    store: opened,
    handle: (request, isSecure) => {
      if (!isSecure) return plain.handler(request);
      overTls ??= create(true);
      return overTls.handler(request);
    },
    hashPassword: (password) => context.password.hash(password),
    isPassword: (hash, password) => context.password.verify({ hash, password }),
    createResetToken: async (userId, madeBy) => {
      const token = newToken();
      const expiresAt = new Date(Date.now() + DAY_MS);
      await context.internalAdapter.createVerificationValue({
        identifier: resetIdentifier(token),
        value: userId,
        expiresAt,
      });
      if (madeBy !== undefined) await recordMaker(opened, token, madeBy);
      return token;
    },
  };
}

/** The library of this process. A failed load is tried again by the next call. */
export async function authLibrary(): Promise<AuthLibrary> {
  const loader = singleton<{ loading: Promise<AuthLibrary> | undefined }>('people.auth-library', () => ({
    loading: undefined,
  }));
  loader.loading ??= store().then((opened) => loadAuthLibrary(opened, config()));
  try {
    return await loader.loading;
  } catch (error) {
    loader.loading = undefined;
    throw error;
  }
}
