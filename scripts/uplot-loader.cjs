/**
 * uPlot asks for the zone and the number format of this place when it is loaded: the first question
 * of that kind in a page takes its thread 30 ms. Our plots write times and values themselves and
 * need neither, so that it asks when it first wants to know.
 */
const LATER = [
  [
    "const numFormatter = new Intl.NumberFormat(domEnv ? nav.language : 'en-US');",
    "const numFormatter = { format: (value) => new Intl.NumberFormat(domEnv ? nav.language : 'en-US').format(value) };",
  ],
  ['const localTz = new Intl.DateTimeFormat().resolvedOptions().timeZone;', ''],
  ['else if (tz == localTz)', 'else if (tz == new Intl.DateTimeFormat().resolvedOptions().timeZone)'],
];

/**
 * A loader for Turbopack: the module's source in, the changed source out. Fails where another
 * version of uPlot reads otherwise.
 */
module.exports = function withLateIntl(source) {
  return LATER.reduce((text, [now, later]) => {
    if (!text.includes(now)) throw new Error(`uPlot no longer has the line: ${now}`);
    return text.replace(now, later);
  }, source);
};
