FROM ubuntu:22.04 AS base
RUN --package=cann-toolkit,cann-kernels \
    --package=cann-nnal --mount=type=tmpfs,target=/scratch \
    sh "$PACKAGES"/Ascend-cann-toolkit_*.run --quiet --install
RUN --package=torch pip install --no-cache-dir "$PACKAGES"/*.whl
ONBUILD RUN --package=late true
