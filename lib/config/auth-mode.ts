import type { TrustedProxies } from '#lib/config/settings/network-schemas';

/** How callers are authenticated. */
export type AuthMode = 'none' | 'keys' | 'accounts';

/** The settings that decide it. */
export interface AuthSettings {
  readonly AUTH?: AuthMode | undefined;
  readonly API_KEYS: readonly string[];
}

interface AccessSettings extends AuthSettings {
  readonly TRUSTED_USER_HEADER?: string | undefined;
  readonly TRUST_PROXY?: TrustedProxies | undefined;
}

/** The mode of `AUTH`, or its default: `keys` where `API_KEYS` is set, otherwise `none`. */
export function authMode({ AUTH, API_KEYS }: AuthSettings): AuthMode {
  return AUTH ?? (API_KEYS.length > 0 ? 'keys' : 'none');
}

/** Contradictions between the settings of access, as sentences for the operator. */
export function authProblems(settings: AccessSettings): string[] {
  const { AUTH, API_KEYS, TRUSTED_USER_HEADER: header, TRUST_PROXY: trust } = settings;
  const problems: string[] = [];
  if (AUTH === 'none' && API_KEYS.length > 0)
    problems.push('AUTH is none although API_KEYS is set: remove one of them, or set AUTH=keys');
  if (AUTH === 'keys' && API_KEYS.length === 0)
    problems.push('API_KEYS must be set where AUTH is keys: make one with openssl rand -hex 24');
  if (header === undefined) return problems;
  if (authMode(settings) === 'none')
    problems.push(
      'TRUSTED_USER_HEADER needs API_KEYS, for the administrators, or AUTH=accounts: with AUTH=none every caller has all rights',
    );
  if (trust === undefined || 'hops' in trust)
    problems.push(
      'TRUSTED_USER_HEADER needs TRUST_PROXY to be the addresses or networks of the proxy that sets the header: without, any client could name itself',
    );
  return problems;
}
