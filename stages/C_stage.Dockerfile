# PyTorch, its NPU side and MindIE, for the Python of the base (3.11).
# There is no NPU and no driver on a build machine: torch must not load torch_npu by itself
# there. Unset it, or import torch_npu first, where there is one.
ENV TORCH_DEVICE_BACKEND_AUTOLOAD=0

# --no-deps: exactly the declared wheels, and none of the CUDA libraries that torch's x86_64
# wheel names. --no-compile: Python makes byte code when it needs it.
RUN --package=filelock,typing-extensions,sympy,mpmath,networkx,jinja2,markupsafe,fsspec,numpy,pyyaml,scipy,psutil,cffi,pycparser,attrs,decorator,absl-py,protobuf \
    PIP_BREAK_SYSTEM_PACKAGES=1 PIP_ROOT_USER_ACTION=ignore \
    python3 -m pip install --no-index --no-deps --no-cache-dir --no-compile "$PACKAGES"/*.whl

RUN --package=torch,torch-npu \
    PIP_BREAK_SYSTEM_PACKAGES=1 PIP_ROOT_USER_ACTION=ignore \
    python3 -m pip install --no-index --no-deps --no-cache-dir --no-compile "$PACKAGES"/*.whl

ENV MINDIE_LLM_HOME_PATH=/usr/local/Ascend/mindie/latest/mindie-llm \
    MIES_INSTALL_PATH=/usr/local/Ascend/mindie/latest/mindie-service \
    ATB_SPEED_HOME_PATH=/usr/local/Ascend/atb-models \
    PYTHONPATH=/usr/local/Ascend/atb-models:${PYTHONPATH} \
    LD_LIBRARY_PATH=${LD_LIBRARY_PATH}:/usr/local/Ascend/mindie/latest/mindie-llm/lib:/usr/local/Ascend/mindie/latest/mindie-service/lib:/usr/local/Ascend/atb-models/lib

# MindIE asks for the environment of the toolkit and of nnal.
RUN --package=mindie \
    export PACKAGES && bash -c '. /usr/local/Ascend/ascend-toolkit/set_env.sh \
     && . /usr/local/Ascend/nnal/atb/set_env.sh --cxx_abi=${ATB_HOME_PATH##*_} \
     && bash "$PACKAGES"/Ascend-mindie_*.run --quiet --install' \
 && rm -rf /var/log/ascend* /root/ascend

RUN --package=mindie-atb-models \
    mkdir -p "$ATB_SPEED_HOME_PATH" \
 && tar -xzof "$PACKAGES"/Ascend-mindie-atb-models_*.tar.gz -C "$ATB_SPEED_HOME_PATH" \
 && PIP_BREAK_SYSTEM_PACKAGES=1 PIP_ROOT_USER_ACTION=ignore \
    python3 -m pip install --no-index --no-deps --no-cache-dir --no-compile "$ATB_SPEED_HOME_PATH"/atb_llm-*.whl
