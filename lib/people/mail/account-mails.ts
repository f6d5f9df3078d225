import type { Mail } from '#lib/people/mail/mailer';
import { DAY_SECONDS } from '#lib/units';

/**
 * The texts of mails. What a person could have chosen is in a mail to another address only if that
 * person may invite: otherwise anyone could send a text of theirs from this server.
 */

interface InvitationMail {
  readonly to: string;
  readonly url: string;
  /** The name of who invites; undefined for a key. */
  readonly inviter: string | undefined;
  readonly group: string | undefined;
  readonly expiresAtMs: number;
}

export function invitationMail({ to, url, inviter, group, expiresAtMs }: InvitationMail): Mail {
  const by = inviter === undefined ? 'You are invited' : `${oneLine(inviter)} invites you`;
  return {
    to,
    subject: `Invitation to Chill Space at ${placeOf(url)}`,
    text: paragraphs([
      `${by} to Chill Space at ${placeOf(url)}${group === undefined ? '' : `, in the group ${oneLine(group)}`}.`,
      `Open this link to create your account with the address ${to}:`,
      url,
      `It works once, until ${formatTime(expiresAtMs)}.`,
      'If you did not expect this mail, ignore it: there is no account without the link.',
    ]),
  };
}

export interface ResetMail {
  readonly to: string;
  readonly url: string;
  /** Whether the person asked on the sign-in page, and not an administrator. */
  readonly isOwnRequest: boolean;
}

export function resetMail({ to, url, isOwnRequest }: ResetMail): Mail {
  return {
    to,
    subject: `New password for Chill Space at ${placeOf(url)}`,
    text: paragraphs([
      isOwnRequest
        ? `Someone, probably you, asked for a new password for the account ${to} at ${placeOf(url)}.`
        : `An administrator of ${placeOf(url)} sends you this link to choose a new password for the account ${to}.`,
      'Open this link to choose one:',
      url,
      `It works once, within ${DAY_SECONDS / 3600} hours. You are signed out everywhere when the password is saved.`,
      isOwnRequest
        ? 'If it was not you, ignore this mail: your password stays as it is.'
        : 'If you did not expect this mail, ask the administrator before you open the link.',
    ]),
  };
}

/** Host and port, as people know the server. */
function placeOf(url: string): string {
  return new URL(url).host;
}

function paragraphs(all: readonly string[]): string {
  return `${all.join('\n\n')}\n`;
}

/** A name stays within its sentence. */
function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim();
}

function formatTime(ms: number): string {
  return new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' })
    .format(ms)
    .concat(' UTC');
}
