import type { Operation, OperationParameter } from '#lib/openapi/operation';
import { ID_PARAMETER, PAGE_PARAMETERS } from '#lib/openapi/people-parameters';
import type { ErrorCode } from '#lib/wire/error';

/** Setting up, joining, signing in, and what a person does with its own account. */

const OPEN_CODES: readonly ErrorCode[] = [
  'invalid_request',
  'forbidden',
  'rate_limited',
  'not_configured',
  'not_saved',
];
const OWN_CODES: readonly ErrorCode[] = ['invalid_request', 'forbidden', 'not_configured', 'not_saved'];
const SESSION_COOKIE = {
  'Set-Cookie':
    'The session cookie: HttpOnly, SameSite=Strict; with TLS also Secure, and its name begins with `__Host-`.',
};
const PATH: OperationParameter = {
  name: 'all',
  in: 'path',
  description: 'The endpoint: see docs/contract.md#accounts.',
  schema: { type: 'string' },
};

export const ACCOUNT_OPERATIONS: readonly Operation[] = [
  {
    id: 'setUpState',
    tag: 'Accounts',
    needsAccounts: true,
    path: '/api/setup',
    method: 'get',
    summary: 'Whether there is no administrator yet',
    access: 'open',
    responses: { 200: { description: 'The state.', content: { 'application/json': { schema: 'SetUpState' } } } },
    errorCodes: OPEN_CODES,
    examples: [{ summary: 'Before the first sign-in' }],
  },
  {
    id: 'setUp',
    tag: 'Accounts',
    needsAccounts: true,
    path: '/api/setup',
    method: 'post',
    summary: 'Make the first administrator',
    description: 'With the token of the link in the log of the last start. 410 once there is an administrator.',
    access: 'open',
    body: { schema: 'SetUp' },
    responses: {
      201: {
        description: 'Made, and signed in.',
        content: { 'application/json': { schema: 'SignedUp' } },
        headers: SESSION_COOKIE,
      },
    },
    errorCodes: [...OPEN_CODES, 'already_set_up', 'unsupported_value'],
    examples: [
      {
        summary: 'The first administrator',
        body: { token: 'of-the-log', name: 'Ada', email: 'ada@school.example', password: 'a long pass phrase' },
      },
    ],
  },
  {
    id: 'openInvitation',
    tag: 'Accounts',
    needsAccounts: true,
    path: '/api/join',
    method: 'get',
    summary: 'What an invitation is for',
    access: 'open',
    parameters: [{ name: 'token', in: 'query', description: 'Of the link.', schema: { type: 'string' } }],
    responses: {
      200: { description: 'The invitation.', content: { 'application/json': { schema: 'OpenInvitation' } } },
    },
    errorCodes: [...OPEN_CODES, 'not_found'],
    examples: [{ summary: 'Before joining', query: { token: 'of-the-link' } }],
  },
  {
    id: 'join',
    tag: 'Accounts',
    needsAccounts: true,
    path: '/api/join',
    method: 'post',
    summary: 'Make an account',
    description: 'With an invitation, or without one where SIGN_UP is open.',
    access: 'open',
    body: { schema: 'Join' },
    responses: {
      201: {
        description: 'Made, and signed in.',
        content: { 'application/json': { schema: 'SignedUp' } },
        headers: SESSION_COOKIE,
      },
    },
    errorCodes: [...OPEN_CODES, 'unsupported_value'],
    examples: [
      {
        summary: 'By invitation',
        body: { token: 'of-the-link', name: 'Bo', email: 'bo@school.example', password: 'a long pass phrase' },
      },
    ],
  },
  {
    id: 'authRead',
    tag: 'Accounts',
    needsAccounts: true,
    path: '/api/auth/[...all]',
    method: 'get',
    summary: 'Sessions, and the return from the provider',
    description:
      'better-auth, with these paths only: /options, /get-session, /list-sessions and /callback/oidc. Any other is 404.',
    access: 'open',
    parameters: [PATH],
    responses: {
      200: {
        description: 'As better-auth describes it.',
        content: {
          'application/json': { description: 'The object or list of the endpoint.' },
          'text/html': { description: 'A document that leads to the page after a sign-in at the provider.' },
        },
      },
      302: { description: 'Back to the sign-in page, with `error` in its query.', headers: { Location: 'The page.' } },
    },
    errorCodes: [...OPEN_CODES, 'unauthorized', 'not_found'],
    examples: [{ summary: 'How one signs in here', path: { all: 'options' } }],
  },
  {
    id: 'authAct',
    tag: 'Accounts',
    needsAccounts: true,
    path: '/api/auth/[...all]',
    method: 'post',
    summary: 'Sign in and out, password, second factor',
    description:
      'better-auth, with the paths of docs/contract.md#accounts only. Its errors have its codes, in capitals, and `error`.',
    access: 'open',
    parameters: [PATH],
    body: {
      schema: [
        'EmailSignIn',
        'SignUp',
        'ProviderSignIn',
        'PasswordChange',
        'ForgottenPassword',
        'PasswordReset',
        'ResetLinkCheck',
        'PasswordProof',
        'SignInCode',
        'SessionName',
      ],
    },
    responses: {
      200: {
        description: 'As better-auth describes it. Tokens of sessions are in cookies only.',
        content: { 'application/json': { description: 'The object of the endpoint.' } },
        headers: SESSION_COOKIE,
      },
      201: { description: 'An account was made.', content: { 'application/json': { schema: 'SignedUp' } } },
    },
    errorCodes: [...OPEN_CODES, 'unauthorized', 'not_found', 'conflict', 'unsupported_value'],
    examples: [
      {
        summary: 'With e-mail and password',
        path: { all: 'sign-in/email' },
        body: { email: 'ada@school.example', password: 'a long pass phrase' },
      },
    ],
  },
  {
    id: 'exportAccount',
    tag: 'Accounts',
    needsAccounts: true,
    path: '/api/me/export',
    method: 'get',
    summary: 'Export all that is kept of me',
    access: 'key',
    responses: { 200: { description: 'The data.', content: { 'application/json': { schema: 'AccountExport' } } } },
    errorCodes: [...OWN_CODES, 'not_found'],
    examples: [{ summary: 'My data' }],
  },
  {
    id: 'listOwnChanges',
    tag: 'Accounts',
    needsAccounts: true,
    path: '/api/me/changes',
    method: 'get',
    summary: 'List what others changed of me',
    description:
      'What administrators, managers and the server did to the account, its limits, its keys and its requests.',
    access: 'key',
    parameters: PAGE_PARAMETERS,
    responses: { 200: { description: 'A page.', content: { 'application/json': { schema: 'AuditList' } } } },
    errorCodes: OWN_CODES,
    examples: [{ summary: 'My account' }],
  },
  {
    id: 'listKeys',
    tag: 'Accounts',
    needsAccounts: true,
    path: '/api/keys',
    method: 'get',
    summary: 'List my keys',
    access: 'key',
    parameters: PAGE_PARAMETERS,
    responses: { 200: { description: 'A page.', content: { 'application/json': { schema: 'KeyList' } } } },
    errorCodes: OWN_CODES,
    examples: [{ summary: 'My keys' }],
  },
  {
    id: 'createKey',
    tag: 'Accounts',
    needsAccounts: true,
    path: '/api/keys',
    method: 'post',
    summary: 'Make a key',
    description: 'For a person who is signed in, not through a key. `key` is shown once.',
    access: 'key',
    body: { schema: 'KeyRequest' },
    responses: { 201: { description: 'The key.', content: { 'application/json': { schema: 'CreatedKey' } } } },
    errorCodes: [...OWN_CODES, 'conflict'],
    examples: [{ summary: 'For a notebook', body: { name: 'Notebook', expires_in_days: 90, scopes: ['chat'] } }],
  },
  {
    id: 'changeKey',
    tag: 'Accounts',
    needsAccounts: true,
    path: '/api/keys/[id]',
    method: 'patch',
    summary: 'Change the limits of a key of mine',
    description: 'They hold at once, in addition to your own, and are not above them.',
    access: 'key',
    parameters: [ID_PARAMETER],
    body: { schema: 'KeyChange' },
    responses: { 200: { description: 'The key.', content: { 'application/json': { schema: 'Key' } } } },
    errorCodes: [...OWN_CODES, 'not_found'],
    examples: [
      {
        summary: 'A budget of tokens, and no longer one of requests',
        path: { id: 'id-of-the-key' },
        body: { limits: { tokens_per_day: 50_000, requests_per_minute: null } },
      },
    ],
  },
  {
    id: 'revokeKey',
    tag: 'Accounts',
    needsAccounts: true,
    path: '/api/keys/[id]',
    method: 'delete',
    summary: 'Revoke a key of mine',
    access: 'key',
    parameters: [ID_PARAMETER],
    responses: { 204: { description: 'Revoked.' } },
    errorCodes: [...OWN_CODES, 'not_found'],
    examples: [{ summary: 'One that is not used', path: { id: 'id-of-the-key' } }],
  },
];
