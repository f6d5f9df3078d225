import { getEndpoints } from 'better-auth/api';
import { admin } from 'better-auth/plugins/admin';
import { twoFactor } from 'better-auth/plugins/two-factor';

/** Every path that better-auth would serve with this server's plugins. */
export async function betterAuthPaths(): Promise<string[]> {
  const endpoints = [...Object.values(admin().endpoints), ...Object.values(twoFactor().endpoints)];
  const { api } = getEndpoints(new Promise<never>(() => {}), {});
  const all = [...Object.values(api), ...endpoints];
  const paths = all.flatMap((endpoint) => {
    const path = typeof endpoint === 'function' && 'path' in endpoint ? endpoint.path : undefined;
    return typeof path === 'string' ? [path] : [];
  });
  return [...new Set(paths)].sort();
}
