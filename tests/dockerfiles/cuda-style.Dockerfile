FROM nvidia/cuda:12.4.1-devel-ubuntu22.04 AS build-amd64
ENV NV_CUDA_LIB_VERSION=12.4.1-1
FROM nvidia/cuda:12.4.1-devel-ubuntu22.04 AS build-arm64
ENV NV_CUDA_LIB_VERSION=12.4.1-1
ARG TARGETARCH
FROM build-${TARGETARCH}
ARG TARGETARCH
LABEL com.nvidia.cudnn.version="9" \
      maintainer="x"
RUN apt-get update && apt-get install -y --no-install-recommends \
    cuda-libraries-12-4=${NV_CUDA_LIB_VERSION} \
    && apt-mark hold libcublas-12-4 \
    && rm -rf /var/lib/apt/lists/*
RUN echo "/usr/local/nvidia/lib" >> /etc/ld.so.conf.d/nvidia.conf
ENV PATH=/usr/local/nvidia/bin:${PATH} LD_LIBRARY_PATH=/usr/local/nvidia/lib
