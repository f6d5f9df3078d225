import { CopyButton } from '#components/ui/copy-button';
import { OperatorDetails } from '#components/ui/operator-details';
import { TextWithCode } from '#components/ui/text-with-code';
import { errorDetails, errorReference, errorSentence, type PageError } from '#lib/browser/error-sentence';
import { UI_STRINGS } from './strings.ts';

/**
 * An error in the page's words, with the reference to copy and the operator's details folded. The
 * content of a `Notice`.
 */
export function ErrorText({ error }: { error: PageError }) {
  const reference = errorReference(error);
  return (
    <>
      <TextWithCode text={errorSentence(error)} />
      {reference === undefined ? null : (
        <CopyButton text={reference} label={UI_STRINGS.copyReference} className="-my-1.5 ms-1" />
      )}
      <OperatorDetails text={errorDetails(error)} />
    </>
  );
}
