// What is done at the end is done once, in order, and may still change the exit code.
process.on('exit', (code) => {
  console.log('first', code, process.exitCode);
  process.exitCode = 3;
});
process.on('exit', (code) => console.log('second', code, process.exitCode));
process.on('beforeExit', () => console.log('before'));
setTimeout(() => console.log('later'), 5);
