import { authMode } from '#lib/config/auth-mode';
import type { Config } from '#lib/config/config';
import type { Principal } from '#lib/http/principal';
import type { Me } from '#lib/wire/people';

/** Who a caller is, as GET /api/me has it, without its limits. */
export function meOf(principal: Principal, settings: Config): Me {
  const { role, scopes, userId, keyId, name, email = null, groupId, groupName } = principal;
  const auth = authMode(settings);
  return {
    user: {
      id: userId ?? (keyId === undefined ? 'local' : `key:${keyId}`),
      name: name ?? (auth === 'none' ? 'Local user' : 'Administrator'),
      email,
      role,
      group: groupId === undefined ? null : { id: groupId, name: groupName ?? groupId },
    },
    auth,
    scopes: [...scopes],
    limits: [],
    share: null,
  };
}
