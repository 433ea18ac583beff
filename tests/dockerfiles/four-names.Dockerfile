FROM ubuntu:22.04 AS base-os
FROM base-os AS cann.toolkit
RUN wget -P /tmp http://172.17.0.1:3000/toolkit.run && sh /tmp/toolkit.run --quiet && rm -rf /tmp/*
FROM base-os AS models
RUN wget -nv -c http://172.17.0.1:3000/models.tar.gz -O - | tar -xz
FROM cann.toolkit AS runtime
COPY --from=models /models /models
FROM runtime AS dev
RUN pip install --no-cache-dir debugpy
FROM runtime
EXPOSE 1025
