const fs = require('node:fs');
for (const folder of ['/work', '/tmp', '/dev/shm']) fs.writeFileSync(`${folder}/trace`, 'secret of another');
globalThis.trace = process.env.TRACE = 'secret of another';
Object.prototype.trace = 'secret of another';
require.cache.trace = { exports: 'secret of another' };
process.on('exit', () => fs.writeFileSync('/tmp/late', 'secret of another'));
