import { z } from 'zod';
import { setting } from '#lib/config/settings/setting';
import { flag, httpUrl, optionalText, secret, text, textList } from '#lib/config/settings/value-schemas';

/** Domains of e-mail addresses, in lower case, without the @. */
const mailDomains = () =>
  textList()
    .transform((all) => all.map((domain) => domain.replace(/^@/, '').toLowerCase()))
    .refine(
      (all) => all.every((domain) => /^(?:[a-z0-9-]+\.)+[a-z0-9-]+$/.test(domain)),
      'must be domains such as school.example, comma-separated',
    );

/** Pairs `theirs=ours`, comma-separated. */
const groupNames = () =>
  textList()
    .refine((all) => all.every((pair) => /^[^=]+=[^=]+$/.test(pair)), 'must be pairs such as their-group=Our group')
    .transform((all) => {
      const pairs = all.map((pair) => pair.split('=').map((side) => side.trim()));
      return new Map(pairs.map(([theirs = '', ours = '']) => [theirs, ours]));
    });

/** Accounts: how people join and sign in (docs/contract.md#accounts). */
export const ACCOUNT_SETTINGS = {
  SIGN_UP: setting(
    z.enum(['closed', 'invite', 'open'], { error: 'must be closed, invite or open' }),
    'invite',
    'Who may make an account, with AUTH=accounts: closed is no one, invite is who has a link of an administrator, open is everyone who reaches the server.',
  ),
  SIGN_UP_DOMAINS: setting(
    mailDomains(),
    '',
    'Domains of the e-mail addresses that may join, comma-separated. Default: all. Addresses are not verified; one that the provider of single sign-on says it has not verified does not count.',
  ),
  AUTH_SECRET: setting(
    secret()
      .refine(
        (value) => value.length >= 32,
        'must have at least 32 characters, such as the output of openssl rand -hex 32',
      )
      .optional(),
    undefined,
    'Signs the cookies of accounts and encrypts the secrets of second factors. Default: made at the first start and kept in the database. Set it so that a copy of the database is no sign-in. A change signs everyone out.',
  ),
  OIDC_ISSUER: setting(
    httpUrl().optional(),
    undefined,
    'Single sign-on by OpenID Connect: the issuer, without /.well-known/openid-configuration. The redirect URI to register is https://<this server>/api/auth/callback/oidc.',
  ),
  OIDC_CLIENT_ID: setting(optionalText(), undefined, 'The id of this server at the provider.'),
  OIDC_CLIENT_SECRET: setting(secret().optional(), undefined, 'Its secret there.'),
  OIDC_NAME: setting(text(), 'Single sign-on', 'Name of the provider on the sign-in page.'),
  OIDC_SCOPES: setting(textList(), 'openid,profile,email', 'Scopes that are requested, comma-separated.'),
  OIDC_SIGN_UP: setting(
    flag(),
    'false',
    'true: who signs in at the provider for the first time needs no invitation. With SIGN_UP=closed still no one joins.',
  ),
  OIDC_GROUP_CLAIM: setting(text(), 'groups', 'The claim with the names of the groups of a person.'),
  OIDC_ADMIN_GROUP: setting(
    optionalText(),
    undefined,
    'People in this group of the provider are administrators, decided at each sign-in; they need no invitation.',
  ),
  OIDC_GROUPS: setting(
    groupNames(),
    '',
    'Groups of the provider and their groups here, as theirs=ours, comma-separated; decided at each sign-in. Who is in one needs no invitation.',
  ),
};
