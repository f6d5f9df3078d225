import type { Snippet } from '../chat/message-search.ts';

/** An action that the palette lists. */
export interface PaletteCommand {
  id: string;
  label: string;
  /** A quieter text: its shortcut, or the day of a conversation. */
  hint?: string;
  /** Words that find it and are not in its label. */
  keywords?: string;
  /** The line of a message that matches. */
  snippet?: Snippet;
  group: string;
  /** The address that it opens, for a new tab. */
  href?: string;
  /** Runs once the palette has closed, because it moves the focus. */
  isLate?: boolean;
  /** The palette stays open. */
  staysOpen?: boolean;
  run: () => void;
}

/**
 * Commands that contain every word of `query`, in the label, the group or the keywords. Ranked by
 * where the first word matches: start of the label, start of a word, elsewhere. Recently used ones
 * come first among equals.
 */
export function searchCommands(
  commands: readonly PaletteCommand[],
  query: string,
  recentIds: readonly string[] = [],
): PaletteCommand[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [...commands];
  const ranked = commands.flatMap((command) => {
    const label = command.label.toLowerCase();
    const others = `${command.group} ${command.keywords ?? ''}`.toLowerCase();
    if (!words.every((word) => label.includes(word) || others.includes(word))) return [];
    const first = words[0] ?? '';
    const match = label.startsWith(first) ? 0 : label.includes(` ${first}`) ? 1 : 2;
    return [{ command, rank: match * 2 + (recentIds.includes(command.id) ? 0 : 1) }];
  });
  return ranked.sort((a, b) => a.rank - b.rank).map(({ command }) => command);
}
