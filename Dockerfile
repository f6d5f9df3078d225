# syntax=docker/dockerfile:1
#
#   docker build -t chill-space .                      with the compilers of all languages
#   docker build -t chill-space:slim --target slim .   without compilers: chat, gateway, JavaScript, TypeScript and Python
#
# The sandbox makes user namespaces: run it with --security-opt seccomp=unconfined --security-opt apparmor=unconfined
# (--security-opt systempaths=unconfined for its own /proc) and --cap-drop ALL, as compose.yaml does. Without the first two code is
# refused, with a sentence that says so. WORKERS needs REDIS_URL, or an image with redis-server: compose.yaml shows both. The port is that of the app's own rule: 3000, or an executor's 8001 to 8008, unless PORT is set.

FROM node:24-bookworm-slim AS base
ENV NODE_ENV=production \
    NEXT_TELEMETRY_DISABLED=1
WORKDIR /app

FROM base AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends python3 python3-pip ca-certificates \
 && rm -rf /var/lib/apt/lists/*
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund --include=dev
COPY . .
# Read at build time, by the pages.
ARG NEXT_PUBLIC_API_URL=
ARG NEXT_PUBLIC_CODE_API_URL=
RUN npm run build \
 && npm prune --omit=dev --no-audit --no-fund \
 && node scripts/slim.ts \
 && rm -rf .next/cache .cache node_modules/.cache

# The small model that answers where there is no other: --build-arg EMBED_MODEL=false leaves it out.
FROM build AS model
ARG EMBED_MODEL=true
RUN mkdir -p /models \
 && if [ "$EMBED_MODEL" = true ]; then \
      MODEL_CACHE_DIR=/models node scripts/model.ts; \
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
    DATA_DIR=/data/database \
    MODEL_CACHE_DIR=/data/models \
    XDG_CACHE_HOME=/data/cache \
    NODE_COMPILE_CACHE=/data/cache/node \
    MALLOC_ARENA_MAX=2
USER node
RUN node --max-old-space-size=512 --max-semi-space-size=4 --expose-gc scripts/precompile.ts
VOLUME /data
EXPOSE 3000 8001 8002 8003 8004 8005 8006 8007 8008
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 CMD ["node", "scripts/health.ts"]
STOPSIGNAL SIGTERM
# tini takes in what sandboxes leave behind.
ENTRYPOINT ["tini", "--"]
CMD ["node", "--max-old-space-size=512", "--max-semi-space-size=4", "--expose-gc", "server.ts"]

FROM slim AS full
USER root
# The JDK's installer wants a folder that slim images leave out.
RUN mkdir -p /usr/share/man/man1 \
 && apt-get update \
 && apt-get install -y --no-install-recommends g++ mold openjdk-17-jdk-headless golang-go rustc \
 && rm -rf /var/lib/apt/lists/*
USER node
