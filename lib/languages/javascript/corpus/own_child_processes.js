const { execFile } = require('node:child_process');
const http = require('node:http');

const server = http.createServer((request, response) => response.end(request.url));
server.listen(0, '127.0.0.1', async () => {
  const base = `http://127.0.0.1:${server.address().port}`;
  const answers = await Promise.all([1, 2, 3].map((n) => fetch(`${base}/${n}`).then((response) => response.text())));
  console.log(answers.join(' '));
  server.close();
  server.closeAllConnections();
  execFile('echo', ['through a child'], (error, stdout) => console.log(error, stdout.trim()));
});
