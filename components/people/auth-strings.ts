import { formatSeconds } from '#lib/browser/format';

/** Sentences for the codes of better-auth. */
const BY_CODE: Record<string, string> = {
  INVALID_EMAIL_OR_PASSWORD: 'Wrong e-mail or password.',
  INVALID_EMAIL: 'This is not an e-mail address.',
  INVALID_PASSWORD: 'Wrong password.',
  USER_NOT_FOUND: 'Wrong e-mail or password.',
  BANNED_USER: 'This account is disabled. Ask your administrator.',
  USER_ALREADY_EXISTS: 'This e-mail address has an account already. Sign in instead.',
  USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL: 'This e-mail address has an account already. Sign in instead.',
  PASSWORD_TOO_SHORT: 'This password is too short.',
  PASSWORD_TOO_LONG: 'This password is too long.',
  INVALID_CODE: 'Wrong code. Enter the code that your app shows now.',
  INVALID_BACKUP_CODE: 'Wrong recovery code. Each works once.',
  INVALID_TWO_FACTOR_COOKIE: 'This took too long. Sign in again.',
  TOO_MANY_ATTEMPTS_REQUEST_NEW_CODE: 'Too many wrong codes. Sign in again.',
  INVALID_TOKEN: 'This link is not valid any more. Ask your administrator for a new one.',
  EMAIL_PASSWORD_SIGN_UP_DISABLED: 'This server takes no new accounts. Ask your administrator for an invitation.',
  CREDENTIAL_ACCOUNT_NOT_FOUND: 'This account has no password. It signs in through your organisation.',
  SESSION_NOT_FRESH: 'You signed in a while ago. Sign out and in again, then repeat this.',
};

export const AUTH_STRINGS = {
  byCode: (code: string): string | undefined => BY_CODE[code],
  failed: 'The server could not do this. Try again, or ask your administrator.',
  signedOut: 'Your session has ended. Sign in again.',
  tooMany: (seconds: number | undefined) =>
    seconds === undefined
      ? 'Too many attempts. Try again in a moment.'
      : `Too many attempts. Try again in ${formatSeconds(seconds * 1000)}.`,
} as const;
