import { AppError } from '#lib/errors';
import { actorOf, auditStatement } from '#lib/http/audit';
import { parseBody, readJson } from '#lib/http/body';
import type { HttpRequest } from '#lib/http/http-request';
import { json, type Reply } from '#lib/http/reply';
import type { RequestContext } from '#lib/http/route';
import { OIDC_PROVIDER } from '#lib/people/accounts/auth-options';
import { personOf } from '#lib/people/accounts/http/person-of';
import { requirePassword } from '#lib/people/accounts/http/require-password';
import { waysOf } from '#lib/people/accounts/sign-in-ways';
import { store } from '#lib/store/store';
import { KIB } from '#lib/units';
import { optionalPasswordProofSchema } from '#lib/wire/accounts';

const MAX_BODY_BYTES = KIB;

/**
 * Ends the link of the person's account with the one at the provider. The password that it takes
 * is the way to sign in that stays. Throws `conflict` for a person without one, and `not_found`
 * without a link.
 */
export async function unlinkProvider(request: HttpRequest, context: RequestContext): Promise<Reply> {
  const person = await personOf(request, context);
  const { password } = parseBody(optionalPasswordProofSchema, await readJson(request, MAX_BODY_BYTES));
  const opened = await store();
  const { isLinked } = await waysOf(opened, person.userId);
  if (!isLinked) throw new AppError('not_found', 'This account is not linked to the provider.');
  if (!(await requirePassword(opened, person, password, context)))
    throw new AppError(
      'conflict',
      'This account has no password, so it could not be signed in to any more. Ask an administrator for a link to set one first.',
      { data: { reason: 'last_way_to_sign_in' } },
    );
  const { address, requestId } = context;
  await opened.writeAll([
    opened.db.deleteFrom('credentials').where('userId', '=', person.userId).where('providerId', '=', OIDC_PROVIDER),
    auditStatement(opened, actorOf({ principal: person, address, requestId }), {
      action: 'account.unlink_provider',
      target: person.userId,
      summary: `${person.name ?? 'A person'} unlinked the account at the provider`,
    }),
  ]);
  return json({ status: true });
}
