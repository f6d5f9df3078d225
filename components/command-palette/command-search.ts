/** An action that the palette lists. */
export interface PaletteCommand {
  id: string;
  label: string;
  /** A quieter text: its shortcut, or the day of a conversation. */
  hint?: string;
  group: string;
  run: () => void;
}

/**
 * Commands that contain every word of `query`. Ranked by where the first word matches: start of
 * the label, start of a word, elsewhere.
 */
export function searchCommands(commands: readonly PaletteCommand[], query: string): PaletteCommand[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [...commands];
  const ranked = commands.flatMap((command) => {
    const label = command.label.toLowerCase();
    if (!words.every((word) => label.includes(word) || command.group.toLowerCase().includes(word))) return [];
    const first = words[0] ?? '';
    const rank = label.startsWith(first) ? 0 : label.includes(` ${first}`) ? 1 : 2;
    return [{ command, rank }];
  });
  return ranked.sort((a, b) => a.rank - b.rank).map(({ command }) => command);
}
