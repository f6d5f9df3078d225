const fs = require('node:fs');
for (;;) fs.writeSync(2, 'y'.repeat(100_000));
