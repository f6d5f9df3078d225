import { Failure } from '#components/people/failure';
import { ListSkeleton } from '#components/people/section';

interface LoadStateProps {
  /** What was loaded; undefined before. */
  data: unknown;
  error: unknown;
  onRetry: () => void;
  /** Of the placeholder. */
  rows?: number;
}

/** Stands in front of what is loaded: placeholder rows before it, and why it is missing or old. */
export function LoadState({ data, error, onRetry, rows }: LoadStateProps) {
  if (error !== undefined) return <Failure error={error} onRetry={onRetry} />;
  return data === undefined ? <ListSkeleton {...(rows === undefined ? {} : { rows })} /> : null;
}
