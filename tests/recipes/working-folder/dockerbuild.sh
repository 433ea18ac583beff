#!/bin/sh
# Serves the folder, builds, and stops the server: what users of the folder run today.
python3 -m http.server 3000 --bind 172.17.0.1 &
server=$!
docker build -f dockerfile \
    --build-arg ARCH=x86_64 --build-arg DEVICE=910b --build-arg CANN_VERSION=8.1.RC1 \
    --build-arg TORCH_VERSION=2.5.1 --build-arg MINDIE_VERSION=2.0.RC1 \
    --build-arg http_proxy= --build-arg https_proxy= --build-arg no_proxy=172.17.0.1 \
    --target "${1:-C_stage}" -t "mindie:2.0.RC1" .
code=$?
kill "$server"
exit "$code"
