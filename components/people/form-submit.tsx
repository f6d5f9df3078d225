import { Failure } from '#components/people/failure';
import { Button } from '#components/ui/button';

interface FormSubmitProps {
  action: string;
  /** Replaces `action` while the form is sent. */
  busyAction: string;
  isBusy: boolean;
  /** Why the last attempt failed. */
  error: unknown;
  kind?: 'primary' | 'secondary' | 'danger';
  /** Where the button stands; `wide` fills the form. @default end */
  place?: 'start' | 'end' | 'wide';
}

/** The end of a form: why it failed, and its button. */
export function FormSubmit({ action, busyAction, isBusy, error, kind = 'primary', place = 'end' }: FormSubmitProps) {
  const button = (
    <Button type="submit" kind={kind} disabled={isBusy} className="h-10">
      {isBusy ? busyAction : action}
    </Button>
  );
  return (
    <>
      {error === undefined ? null : <Failure error={error} />}
      {place === 'wide' ? button : <div className={place === 'end' ? 'flex justify-end' : undefined}>{button}</div>}
    </>
  );
}
