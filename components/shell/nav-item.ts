/** An entry of the navigation: a word under its icon, in the rail and in the bar of phones. */
export const NAV_ITEM =
  'flex min-h-14 flex-auto select-none flex-col items-center justify-center gap-0.5 rounded-md text-xs transition-colors rail:min-h-0 rail:w-full rail:flex-none rail:gap-1 rail:py-2';

/** Its icon, which the bar tints for the current page. */
export const NAV_ICON = 'flex items-center justify-center rounded-full px-3.5 py-0.5';
