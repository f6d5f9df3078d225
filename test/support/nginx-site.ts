/** What configurations of nginx have in common, in tests and in benchmarks. */

/** Directives of `http` that keep temporary files in `folder`. */
export function temporaryPaths(folder: string): string {
  return ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `${kind}_temp_path ${folder}/${kind};`)
    .join('\n  ');
}

/** A site in front of `backend`: unbuffered both ways, with a pool of kept connections. */
export function proxySite(port: number, backend: string): string {
  return `
  client_max_body_size 0;
  upstream backend { server ${backend}; keepalive 50; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port} backlog=1024;
    location / {
      proxy_pass http://backend;
      proxy_http_version 1.1;
      proxy_buffering off;
      proxy_request_buffering off;
      proxy_set_header Host ${backend};
      proxy_set_header Connection "";
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header X-Forwarded-Proto $scheme;
    }
  }
`;
}
