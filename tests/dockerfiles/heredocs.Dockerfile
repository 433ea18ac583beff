# syntax=docker/dockerfile:1.7
FROM debian:12 AS build
ARG SERVER=http://172.17.0.1:3000
RUN <<EOF
set -e
# a comment inside the script
wget -q "$SERVER/torch-2.9.0-cp311-cp311-linux_aarch64.whl"
pip install --no-cache-dir ./torch-2.9.0-cp311-cp311-linux_aarch64.whl
rm torch-*.whl
EOF

RUN <<-'SCRIPT' bash
	curl -fsSLO http://172.17.0.1:3000/install.sh
	bash install.sh
	SCRIPT

RUN python3 - <<PY
import urllib.request
urllib.request.urlretrieve("http://172.17.0.1:3000/model.tar.gz", "/tmp/m.tgz")
base = "http://172.17.0.1:3000/"
for n in range(3):
    urllib.request.urlretrieve(base + str(n), "/tmp/x")
PY

COPY <<a.conf <<"b.conf" /etc/app/
server=$SERVER
a.conf
server=$SERVER
b.conf

FROM scratch
COPY --from=build /etc/app /etc/app
