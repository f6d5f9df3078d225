import { PageLink } from '#components/shell/page-link';
import { buttonClasses } from '#components/ui/button';
import { SIGN_IN_STRINGS } from './strings.ts';

interface DeadLinkProps {
  sentence: string;
  /** The next step. @default the sign-in page */
  next?: { href: string; label: string };
}

/** Why a link leads no further, who can help, and the way on. */
export function DeadLink({ sentence, next = { href: '/sign-in', label: SIGN_IN_STRINGS.signIn } }: DeadLinkProps) {
  return (
    <div className="mt-2 flex flex-col items-start gap-4">
      <p className="text-ink-2 text-sm">{sentence}</p>
      <PageLink href={next.href} className={buttonClasses('primary', 'md')}>
        {next.label}
      </PageLink>
    </div>
  );
}
