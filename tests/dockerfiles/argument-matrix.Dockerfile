#: build-arg CHIP=310p
ARG BASE_IMAGE=ubuntu
ARG BASE_TAG=22.04
ARG REGISTRY
ARG PY=3.10
FROM ${REGISTRY:+${REGISTRY}/}${BASE_IMAGE}:${BASE_TAG} AS base
ARG CHIP=910b
ARG CANN=8.3.RC1
ARG PY
ARG TAG=py${PY}-cann${CANN}-${CHIP}
ENV TAG=${TAG} CANN_HOME=/usr/local/Ascend
ARG PYTAG=cp${PY/./}
ARG MAJOR=${CANN%%.*} PATCHED=${CANN:+yes} MISSING=${NOTHING:-none}
RUN wget http://172.17.0.1:3000/kernels-${CHIP}_${CANN}_linux.run http://172.17.0.1:3000/${MAJOR}/${PATCHED}-${MISSING}.txt
RUN wget "http://172.17.0.1:3000/${TAG}/torch-${PYTAG}.whl"

FROM base AS final-old
RUN echo "$CHIP"
FROM base AS final
ARG BASE_TAG
RUN echo $BASE_TAG $CANN_HOME
