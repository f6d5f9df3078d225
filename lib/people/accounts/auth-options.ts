import type { BetterAuthOptions } from 'better-auth';
import type { Kysely } from 'kysely';
import type { Config } from '#lib/config/config';
import { SESSION_SECONDS } from '#lib/http/session-cookie';
import { AUTH_COOKIES, cookieName, sameSiteOf } from '#lib/people/accounts/auth-cookies';
import { TRUSTED_DEVICE_SECONDS } from '#lib/people/accounts/trusted-devices';
import type { Database, Store } from '#lib/store/store';
import { log } from '#lib/telemetry/log';
import { DAY_SECONDS } from '#lib/units';
import { PASSWORD_CHARS } from '#lib/wire/accounts';

/** Id of the provider in addresses: /api/auth/callback/oidc. */
export const OIDC_PROVIDER = 'oidc';
/** The header in which a request of `AuthLibrary` has the client's address. */
export const ADDRESS_HEADER = 'x-client-address';
const RESET_LINK_SECONDS = DAY_SECONDS;

export type ProviderSettings = Pick<
  Config,
  'OIDC_ISSUER' | 'OIDC_CLIENT_ID' | 'OIDC_CLIENT_SECRET' | 'OIDC_NAME' | 'OIDC_SCOPES'
>;

/** better-auth's plugins, which are loaded when they are needed. */
export interface AuthPlugins {
  admin: typeof import('better-auth/plugins/admin').admin;
  twoFactor: typeof import('better-auth/plugins/two-factor').twoFactor;
  genericOAuth: typeof import('better-auth/plugins/generic-oauth').genericOAuth;
}

export interface AuthOptionsInput {
  readonly store: Pick<Store, 'engine'> & { readonly db: Kysely<Database> };
  readonly secret: string;
  readonly settings: ProviderSettings;
  /** Whether the browser speaks TLS. */
  readonly isSecure: boolean;
  readonly hooks: Pick<BetterAuthOptions, 'databaseHooks'> & {
    readonly validateUserInfo: NonNullable<NonNullable<BetterAuthOptions['user']>['validateUserInfo']>;
    readonly onPasswordReset?: NonNullable<NonNullable<BetterAuthOptions['emailAndPassword']>['onPasswordReset']>;
  };
}

/** Whether single sign-on is configured. */
export function hasProvider({ OIDC_ISSUER, OIDC_CLIENT_ID }: ProviderSettings): boolean {
  return OIDC_ISSUER !== undefined && OIDC_CLIENT_ID !== undefined;
}

/**
 * The options of better-auth. Its rate limits and its CSRF check are off, because route() and
 * `PasswordThrottle` do both; so is its telemetry. A route forwards allowed endpoints only.
 */
export function authOptions(plugins: AuthPlugins, input: AuthOptionsInput): BetterAuthOptions {
  const { store, secret, settings, isSecure, hooks } = input;
  return {
    appName: 'Chill Space',
    basePath: '/api/auth',
    secret,
    // No transactions: on SQLite one would hold the only connection while hooks query the store.
    database: { db: store.db, type: store.engine, transaction: false },
    telemetry: { enabled: false },
    rateLimit: { enabled: false },
    logger: { level: 'warn', log: writeLog },
    onAPIError: { errorURL: '/sign-in' },
    emailAndPassword: {
      enabled: true,
      minPasswordLength: PASSWORD_CHARS.least,
      maxPasswordLength: PASSWORD_CHARS.most,
      revokeSessionsOnPasswordReset: true,
      resetPasswordTokenExpiresIn: RESET_LINK_SECONDS,
      ...(hooks.onPasswordReset === undefined ? {} : { onPasswordReset: hooks.onPasswordReset }),
    },
    user: {
      modelName: 'users',
      additionalFields: { groupId: { type: 'string', required: false, input: false } },
      validateUserInfo: hooks.validateUserInfo,
    },
    session: { modelName: 'user_sessions', expiresIn: SESSION_SECONDS, updateAge: DAY_SECONDS },
    account: {
      modelName: 'credentials',
      encryptOAuthTokens: true,
      // A provider's address is no proof of owning an account here. The owner links it, also where
      // the provider has no claim on whether it verified the address: it is the operator's choice.
      // A claim that it did not is refused by `validateUserInfo`.
      accountLinking: { enabled: true, disableImplicitLinking: true, trustedProviders: [OIDC_PROVIDER] },
    },
    verification: { modelName: 'verifications', storeIdentifier: 'hashed' },
    ...(hooks.databaseHooks === undefined ? {} : { databaseHooks: hooks.databaseHooks }),
    advanced: {
      useSecureCookies: false,
      disableCSRFCheck: true,
      disableOriginCheck: false,
      ipAddress: { ipAddressHeaders: [ADDRESS_HEADER] },
      cookies: Object.fromEntries(
        AUTH_COOKIES.map((cookie) => [
          cookie,
          {
            name: cookieName(cookie, isSecure),
            attributes: { secure: isSecure, sameSite: sameSiteOf(cookie), httpOnly: true, path: '/' },
          },
        ]),
      ),
    },
    plugins: [
      plugins.admin({ defaultRole: 'member', bannedUserMessage: DISABLED }),
      plugins.twoFactor({
        issuer: 'Chill Space',
        trustDeviceMaxAge: TRUSTED_DEVICE_SECONDS,
        twoFactorTable: 'two_factors',
        schema: { twoFactor: { modelName: 'two_factors' } },
      }),
      ...providerPlugins(plugins, settings),
    ],
  };
}

/** What a disabled person reads after the right password. */
export const DISABLED = 'This account is disabled. Ask an administrator.';

function providerPlugins({ genericOAuth }: AuthPlugins, settings: ProviderSettings) {
  const { OIDC_ISSUER: issuer, OIDC_CLIENT_ID: clientId, OIDC_CLIENT_SECRET: clientSecret } = settings;
  if (issuer === undefined || clientId === undefined) return [];
  return [
    genericOAuth({
      config: [
        {
          providerId: OIDC_PROVIDER,
          name: settings.OIDC_NAME,
          discoveryUrl: `${issuer}/.well-known/openid-configuration`,
          clientId,
          ...(clientSecret === undefined ? {} : { clientSecret }),
          scopes: settings.OIDC_SCOPES,
          pkce: true,
          requireIdTokenVerification: true,
          // Signing out here leaves the session at the provider.
          disableProviderLogout: true,
        },
      ],
    }),
  ];
}

/** Expected refusals are at debug level: a route logs each request already. */
function writeLog(level: string, message: string, ...details: unknown[]): void {
  const [detail] = details;
  const error = detail instanceof Error ? { err: detail } : {};
  if (level === 'error' && detail instanceof Error) log().warn(error, `better-auth: ${message}`);
  else log().debug(error, `better-auth: ${message}`);
}
