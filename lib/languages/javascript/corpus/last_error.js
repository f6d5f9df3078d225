process.on('exit', (code) => console.log('exit', code));
console.log('start');
setTimeout(() => {
  throw new TypeError('too late');
}, 1);
