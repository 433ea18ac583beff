#!/bin/sh
# What users of the recipe run today.
docker build \
    --build-arg ARCH=x86_64 --build-arg DEVICE=910b --build-arg CANN_VERSION=8.5.0 \
    --build-arg TORCH_VERSION=2.9.0 --build-arg MINDIE_VERSION=2.3.0 --build-arg PY_VERSION=3.11 \
    --build-arg no_proxy=localhost,127.0.0.1 --target mindie -t mindie:2.3.0 .
