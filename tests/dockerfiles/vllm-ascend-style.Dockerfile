FROM quay.io/ascend/cann:8.5.0-910b-ubuntu22.04-py3.11
ARG PIP_INDEX_URL="https://pypi.org/simple"
ARG COMPILE_CUSTOM_KERNELS=1
ENV DEBIAN_FRONTEND=noninteractive
ENV COMPILE_CUSTOM_KERNELS=${COMPILE_CUSTOM_KERNELS}
WORKDIR /workspace
COPY . /vllm-workspace/vllm-ascend/
RUN apt-get update -y && apt-get install -y python3-pip git vim wget net-tools && rm -rf /var/cache/apt/* /var/lib/apt/lists/*
RUN pip config set global.index-url ${PIP_INDEX_URL}
RUN export PIP_EXTRA_INDEX_URL=https://mirrors.example.com/ascend/repos/pypi && \
    source /usr/local/Ascend/ascend-toolkit/set_env.sh && \
    export LD_LIBRARY_PATH=$LD_LIBRARY_PATH:/usr/local/Ascend/ascend-toolkit/latest/`uname -i`-linux/devlib && \
    python3 -m pip install -v -e /vllm-workspace/vllm-ascend/ --extra-index https://download.example.com/whl/cpu/ && \
    python3 -m pip cache purge
CMD ["/bin/bash"]
