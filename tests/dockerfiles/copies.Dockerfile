FROM ubuntu:22.04 AS src
ARG DIR=packages
COPY ${DIR}/*.run install*.sh /tmp/pkg/
COPY ["with space.txt", "other.txt", "/dest dir/"]
COPY --chown=1000:1000 --chmod=755 scripts/ ./scripts/
ADD archive.tar.gz https://example.com/x.txt /opt/
COPY <<EOF requirements.txt /etc/
inline
EOF
COPY $UNKNOWN_DIR/file /x
RUN sh /tmp/pkg/a.run && rm -rf /tmp/pkg
FROM ubuntu:22.04 AS installed
COPY packages/*.run /tmp/pkg/
RUN sh /tmp/pkg/a.run && rm -rf /tmp/pkg
FROM scratch
COPY --from=src /tmp/scripts /scripts
