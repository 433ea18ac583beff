FROM ubuntu:22.04 AS official
ARG PLATFORM=${TARGETPLATFORM}
ARG TARGETPLATFORM
ARG TARGETARCH
ARG CANN_CHIP=910b
ARG CANN_VERSION=8.3.RC1
RUN if [ "$TARGETPLATFORM" = "linux/amd64" ]; then ARCH="x86_64"; \
    elif [ "$TARGETPLATFORM" = "linux/arm64" ]; then ARCH="aarch64"; \
    else echo "Error: Unsupported architecture: ${TARGETPLATFORM}"; exit 1; fi && \
    URL_PREFIX="http://172.17.0.1:3000/CANN/CANN%20${CANN_VERSION}" && \
    URL_SUFFIX="response-content-type=application/octet-stream" && \
    TOOLKIT_FILE="Ascend-cann-toolkit_${CANN_VERSION}_linux-${ARCH}.run" && \
    TOOLKIT_PATH="${URL_PREFIX}/${TOOLKIT_FILE}?${URL_SUFFIX}" && \
    KERNELS_PATH="${URL_PREFIX}/Ascend-cann-kernels-${CANN_CHIP}_${CANN_VERSION}_linux-$(arch).run" && \
    STATIC_PATH="${URL_PREFIX}/Ascend-cann-nnal_${CANN_VERSION}_linux-aarch64.run?${URL_SUFFIX}" && \
    wget --header="Referer: https://www.hiascend.com/" -O ~/toolkit.run ${TOOLKIT_PATH} && \
    wget -O ~/kernels.run ${KERNELS_PATH} && \
    wget ${STATIC_PATH} -O /tmp/nnal.run && \
    chmod +x ~/*.run && ~/toolkit.run --quiet --install && ~/kernels.run --quiet --install && \
    rm -f ~/*.run /tmp/*.run && rm -rf /var/log/ascend_seclog
RUN CANN_TOOLKIT_ENV_FILE="/usr/local/Ascend/ascend-toolkit/set_env.sh" && \
    echo "source ${CANN_TOOLKIT_ENV_FILE}" >> ~/.bashrc
ENTRYPOINT ["/bin/bash", "-c", "source /root/.bashrc && exec \"$@\"", "--"]
