const { Worker } = require('node:worker_threads');
for (;;) new Worker('setInterval(() => {}, 1000)', { eval: true });
