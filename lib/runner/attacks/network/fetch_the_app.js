const net = require('node:net');
const port = Number(process.argv[2]);
const hosts = [['127.0.0.1', port], ['1.1.1.1', 443], ['169.254.169.254', 80]];
for (const [host, at] of hosts) {
  const socket = net.connect({ host, port: at, timeout: 2000 });
  socket.on('connect', () => console.log(host, 'was reached'));
  socket.on('error', () => {});
  socket.on('timeout', () => socket.destroy());
}
fetch(`http://127.0.0.1:${port}/health`).then(() => console.log('fetched'), () => console.log('no'));
