import { PageLink } from '#components/shell/page-link';
import { buttonClasses } from '#components/ui/button';
import { SIGN_IN_STRINGS } from './strings.ts';

/** Why a link leads no further, who can help, and the way on. */
export function DeadLink({ sentence }: { sentence: string }) {
  return (
    <div className="mt-2 flex flex-col items-start gap-4">
      <p className="text-ink-2 text-sm">{sentence}</p>
      <PageLink href="/sign-in" className={buttonClasses('primary', 'md')}>
        {SIGN_IN_STRINGS.signIn}
      </PageLink>
    </div>
  );
}
