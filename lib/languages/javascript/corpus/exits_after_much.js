const { Worker, isMainThread } = require('node:worker_threads');
const line = `${'x'.repeat(99)}\n`;
if (isMainThread) {
  process.stdout.write(line.repeat(800));
  console.error(line.repeat(900));
  new Worker(__filename).on('exit', (code) => {
    console.log('worker', code, process.execArgv.includes('--require'));
    process.exit(4);
  });
} else {
  process.stdout.write(line.repeat(100));
  process.exit(5);
}
