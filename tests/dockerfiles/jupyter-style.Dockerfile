ARG REGISTRY=quay.io
ARG OWNER=jupyter
ARG BASE_IMAGE=$REGISTRY/$OWNER/base-notebook
FROM $BASE_IMAGE
LABEL maintainer="Somebody <somebody@example.com>"
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
USER root
RUN apt-get update --yes && \
    apt-get install --yes --no-install-recommends \
    # for cython: https://cython.readthedocs.io/
    build-essential \
    # for latex labels
    cm-super && \
    apt-get clean && rm -rf /var/lib/apt/lists/*
USER ${NB_UID}
RUN mamba install --yes 'numpy' 'pandas' && \
    mamba clean --all -f -y && \
    fix-permissions "${CONDA_DIR}" && fix-permissions "/home/${NB_USER}"
ENV XDG_CACHE_HOME="/home/${NB_USER}/.cache/"
WORKDIR "${HOME}"
