import { AsyncLocalStorage } from 'node:async_hooks';
import type { Role } from '#lib/http/principal';
import { singleton } from '#lib/singletons';

/** The right to make one account, and what the new person becomes. */
export interface AccountAdmission {
  readonly role: Role;
  readonly groupId: string | null;
  /** Whether someone else than the new person named its address: an invitation, or the operator. */
  readonly isAddressNamed?: boolean;
}

/** What the provider says of a person: the claims of the ID token or of userinfo. */
export type OidcClaims = Readonly<Record<string, unknown>>;

/** One request of better-auth: what its hooks need to know, and what they report. */
export interface AuthFlow {
  readonly address: string | undefined;
  readonly requestId: string;
  /** Without it no account is made, whichever endpoint of better-auth asks for one. */
  admission?: AccountAdmission;
  /** The invitation that was counted for this request, and the claim on it. */
  invitation?: { readonly invitationId: string; readonly claimId: string };
  claims?: OidcClaims;
  created?: { readonly id: string; readonly name: string; readonly email: string };
}

/** The request that the current call belongs to. */
export function currentFlow(): AuthFlow | undefined {
  return flows().getStore();
}

export function withFlow<T>(flow: AuthFlow, task: () => Promise<T>): Promise<T> {
  return flows().run(flow, task);
}

function flows(): AsyncLocalStorage<AuthFlow> {
  return singleton('people.auth-flow', () => new AsyncLocalStorage<AuthFlow>());
}
