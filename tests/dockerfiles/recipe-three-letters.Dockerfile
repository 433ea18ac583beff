FROM ubuntu:22.04 AS A_stage
RUN apt-get update && apt-get install -y wget python3-pip

FROM A_stage AS B_stage
ARG CANN_VERSION="8.5.0"
ARG ARCH=aarch64
WORKDIR /opt/pkg
RUN set -ex; \
    for part in toolkit kernels-910b nnal; do \
        wget http://172.17.0.1:3000/Ascend-cann-${part}_${CANN_VERSION}_linux-${ARCH}.run; \
        sh ./Ascend-cann-${part}_${CANN_VERSION}_linux-${ARCH}.run --quiet --install; \
        rm -f ./*.run; \
    done

FROM b_stage AS C_stage
COPY --from=B_Stage /usr/local/Ascend/version.cfg /etc/ascend-version
ADD http://172.17.0.1:3000/Ascend-mindie_2.3.0_linux-aarch64_abi0.run /tmp/mindie.run
RUN sh /tmp/mindie.run --quiet --install || true
