import { MailCheck } from 'lucide-react';
import { Notice } from '#components/ui/notice';
import type { MailReport } from '#lib/wire/people';
import { PEOPLE_ADMIN_STRINGS } from './strings/people.ts';

const { mail: STRINGS } = PEOPLE_ADMIN_STRINGS;

/** Whether a link was sent by mail, and if not, why and what to do. Nothing if it was not to be. */
export function MailNotice({ mail, to }: { mail: MailReport | null | undefined; to: string }) {
  if (mail === null || mail === undefined) return null;
  if (!mail.sent) return <Notice kind="error">{mail.message}</Notice>;
  return (
    <p role="status" className="flex gap-2 text-sm [overflow-wrap:anywhere]">
      <MailCheck className="mt-0.5 size-4 shrink-0 text-good" aria-hidden />
      <span className="min-w-0">{STRINGS.sent(to)}</span>
    </p>
  );
}
