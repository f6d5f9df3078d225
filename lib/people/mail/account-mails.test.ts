import { expect, it } from 'vitest';
import { invitationMail, resetMail } from '#lib/people/mail/account-mails';

const INVITATION = {
  to: 'bo@school.example',
  url: 'https://chat.school.example/join?token=abc',
  inviter: 'Ada Lovelace',
  group: 'Class 9b',
  expiresAtMs: Date.UTC(2026, 11, 7, 18, 5),
};

it('says who invites, where to, for whom and until when', () => {
  expect(invitationMail(INVITATION)).toEqual({
    to: 'bo@school.example',
    subject: 'Invitation to Chill Space at chat.school.example',
    text: [
      'Ada Lovelace invites you to Chill Space at chat.school.example, in the group Class 9b.',
      'Open this link to create your account with the address bo@school.example:',
      'https://chat.school.example/join?token=abc',
      'It works once, until 7 December 2026 at 18:05 UTC.',
      'If you did not expect this mail, ignore it: there is no account without the link.\n',
    ].join('\n\n'),
  });
  expect(invitationMail({ ...INVITATION, inviter: undefined, group: undefined }).text).toMatch(
    /^You are invited to Chill Space at chat\.school\.example\.\n/,
  );
});

it.each(['\n\n', '\r\n', '\u2028', '\u2029', '\u0085'])('keeps a name with %j in its sentence', (lineBreak) => {
  const name = `Ada${lineBreak}Open https://evil.example`;
  const { subject, text } = invitationMail({ ...INVITATION, inviter: name, group: name });
  expect(text.split('\n\n')[0]).toBe(
    'Ada Open https://evil.example invites you to Chill Space at chat.school.example, in the group Ada Open https://evil.example.',
  );
  expect(subject).not.toContain('evil');
});

it('says whether the person or an administrator asked for a new password', () => {
  const reset = { to: 'bo@school.example', url: 'https://chat.school.example:8443/reset-password?token=abc' };
  const own = resetMail({ ...reset, isOwnRequest: true });
  expect(own.subject).toBe('New password for Chill Space at chat.school.example:8443');
  expect(own.text).toContain('Someone, probably you, asked for a new password');
  expect(own.text).toContain('It works once, within 24 hours.');
  expect(resetMail({ ...reset, isOwnRequest: false }).text).toContain('An administrator of chat.school.example:8443');
});
