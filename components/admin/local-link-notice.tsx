import { Notice } from '#components/ui/notice';
import { isLoopbackUrl } from './loopback-url.ts';
import { PEOPLE_ADMIN_STRINGS } from './strings/people.ts';

/** Says that a link to this computer leads no one else to the server. */
export function LocalLinkNotice({ url }: { url: string }) {
  return isLoopbackUrl(url) ? <Notice kind="warn">{PEOPLE_ADMIN_STRINGS.people.localLink}</Notice> : null;
}
