// Whoever writes to the descriptors themselves waits for room in them: nobody has opened
// process.stdout or process.stderr.
const fs = require('node:fs');
const O_NONBLOCK = 0o4000;
const flags = (fd) => parseInt(/^flags:\s*(\d+)$/m.exec(fs.readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))[1], 8);
fs.writeSync(1, `${(flags(1) & O_NONBLOCK) === 0} ${(flags(2) & O_NONBLOCK) === 0}\n`);
