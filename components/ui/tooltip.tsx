export type Side = 'top' | 'bottom' | 'right';

interface TipProps {
  'data-tip': string;
  'data-tip-shortcut': string | undefined;
  'data-tip-side': Side | undefined;
}

/** Attributes that give an element a tooltip. The element needs an accessible name as well. */
export function tip(text: string, shortcut?: string | undefined, side?: Side | undefined): TipProps {
  return { 'data-tip': text, 'data-tip-shortcut': shortcut, 'data-tip-side': side };
}
