FROM ubuntu:22.04 AS packages
COPY packages/ /packages/
FROM python:3.11-slim AS tools
RUN pip install --no-cache-dir uv
FROM ubuntu:22.04 AS app
RUN --mount=type=bind,from=packages,source=/packages,target=/mnt \
    --mount=type=cache,target=/root/.cache/pip \
    pip install /mnt/torch.whl
RUN --mount=from=tools,target=/tools --mount=type=bind,from=alpine:3.20,target=/alpine ls /tools
RUN --mount=type=tmpfs,target=/work cd /work && wget http://172.17.0.1:3000/toolkit.run && sh toolkit.run --install
RUN --mount=type=secret,id=token --network=host true
RUN --mount=type=bind,source=scripts,target=/scripts --mount=target=/all sh /scripts/install.sh
