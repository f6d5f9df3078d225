import { PUBLIC_SETTINGS, SETTINGS, type Setting } from '#lib/config/settings';

/** The text of `.env.example`: every setting with its default and one line of meaning, all commented out. */
export function envExample(): string {
  const lines = ['# Every setting, with its default. Copy to .env and take the # from the lines that you change.'];
  let group = '';
  for (const [name, setting] of Object.entries<Setting>(SETTINGS)) {
    if (setting.group !== group) {
      group = setting.group;
      lines.push('', `# --- ${group} ---`);
    }
    lines.push(`# ${setting.meaning}`, `#${name}=${setting.fallback ?? ''}`);
  }
  lines.push('', '# --- Pages elsewhere ---');
  for (const [name, meaning] of Object.entries(PUBLIC_SETTINGS)) lines.push(`# ${meaning}`, `#${name}=`);
  return `${lines.join('\n')}\n`;
}
