#: build-arg no_proxy=172.17.0.1,localhost
ARG ARCH=aarch64
ARG PY_VERSION=3.11
FROM ubuntu:22.04 AS base
ARG PY_VERSION
ENV DEBIAN_FRONTEND=noninteractive
WORKDIR /tmp/build
RUN apt-get update && \
    apt-get install -y --no-install-recommends gcc g++ make cmake wget unzip pciutils net-tools \
        python${PY_VERSION} python3-pip && \
    # keep the layer small
    rm -rf /var/lib/apt/lists/*

FROM base AS cann
ARG ARCH
ARG DEVICE=910b
ARG CANN_VERSION=8.5.0
ARG no_proxy
RUN wget -q http://172.17.0.1:3000/Ascend-cann-toolkit_${CANN_VERSION}_linux-${ARCH}.run && \
    wget -q http://172.17.0.1:3000/Ascend-cann-kernels-${DEVICE}_${CANN_VERSION}_linux-${ARCH}.run && \
    wget -q http://172.17.0.1:3000/Ascend-cann-nnal_${CANN_VERSION}_linux-${ARCH}.run && \
    wget -q http://172.17.0.1:3000/install_cann.sh && \
    bash install_cann.sh && \
    rm -rf /tmp/build/*

FROM cann AS pta
ARG ARCH
ARG TORCH_VERSION=2.9.0
RUN wget -q http://172.17.0.1:3000/torch-${TORCH_VERSION}%2Bcpu-cp311-cp311-manylinux_2_28_${ARCH}.whl \
 && wget -q http://172.17.0.1:3000/torch_npu-${TORCH_VERSION}-cp311-cp311-manylinux_2_28_${ARCH}.whl \
 && wget -q http://172.17.0.1:3000/requirements.txt \
 && wget -q http://172.17.0.1:3000/install_pta.sh && bash install_pta.sh; echo "pta done"

FROM pta AS mindie
ARG ARCH
ARG MINDIE_VERSION=2.3.0
ARG TORCH_VERSION=2.9.0
RUN wget -q http://172.17.0.1:3000/Ascend-mindie_${MINDIE_VERSION}_linux-${ARCH}_abi0.run && \
    wget -q http://172.17.0.1:3000/Ascend-mindie-atb-models_${MINDIE_VERSION}_linux-${ARCH}_py311_torch${TORCH_VERSION}-abi0.tar.gz && \
    wget -q http://172.17.0.1:3000/install_mindie.sh && bash install_mindie.sh && \
    rm -rf /tmp/build/*
CMD ["/bin/bash"]
