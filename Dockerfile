# syntax=docker/dockerfile:1
#
#   docker build -t chill-space .                      with all seven languages
#   docker build -t chill-space:slim --target slim .   without compilers: chat, gateway, JavaScript, TypeScript and Python
#
# The sandbox makes user namespaces: run it with --security-opt seccomp=unconfined --security-opt apparmor=unconfined
# (--security-opt systempaths=unconfined for its own /proc), as compose.yaml does. Without them code is refused, with a sentence that says so.

FROM node:24-bookworm-slim AS base
ENV NODE_ENV=production \
    NEXT_TELEMETRY_DISABLED=1
WORKDIR /app

FROM base AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends python3 python3-pip ca-certificates \
 && rm -rf /var/lib/apt/lists/*
COPY package.json package-lock.json .npmrc ./
# `npm ci` stops over optional packages of other platforms that a mirror does not carry; `npm install` goes through.
RUN npm install --no-audit --no-fund --include=dev
COPY . .
# Read at build time, by the pages.
ARG NEXT_PUBLIC_API_URL=
ARG NEXT_PUBLIC_CODE_API_URL=
RUN npm run build \
 && npm prune --omit=dev --no-audit --no-fund \
 && rm -rf .next/cache

# The small model that answers where there is no other: --build-arg EMBED_MODEL=false leaves it out.
FROM build AS model
ARG EMBED_MODEL=true
RUN mkdir -p /models \
 && if [ "$EMBED_MODEL" = true ]; then \
      MODEL_CACHE_DIR=/models node -e "import('./scripts/model.mjs').then(({ ensureModel }) => ensureModel({ log: console.log }))"; \
    fi

FROM base AS slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends bubblewrap python3 ca-certificates tini \
 && rm -rf /var/lib/apt/lists/* \
 && mkdir -p /data/models \
 && chown -R node:node /data
COPY --from=build /app /app
COPY --from=model --chown=node:node /models /data/models
ENV HOST=0.0.0.0 \
    PORT=3000 \
    MODEL_CACHE_DIR=/data/models \
    XDG_CACHE_HOME=/data/cache \
    NODE_COMPILE_CACHE=/data/cache/node \
    MALLOC_ARENA_MAX=2
USER node
RUN node scripts/precompile.ts
VOLUME /data
EXPOSE 3000
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/health`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
STOPSIGNAL SIGTERM
# tini takes in what sandboxes leave behind.
ENTRYPOINT ["tini", "--"]
CMD ["node", "--max-old-space-size=512", "--max-semi-space-size=4", "server.ts"]

FROM slim AS full
USER root
# The JDK's installer wants a folder that slim images leave out.
RUN mkdir -p /usr/share/man/man1 \
 && apt-get update \
 && apt-get install -y --no-install-recommends g++ mold openjdk-17-jdk-headless golang-go rustc \
 && rm -rf /var/lib/apt/lists/*
USER node
