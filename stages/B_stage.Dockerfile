# CANN. The environment is written as ENV, because `docker run image python3` and
# `docker exec` read no .bashrc; the paths are those that set_env.sh sets.
ARG CANN_VERSION=8.5.0
ARG CXX_ABI=1

# What Ascend's installers need to find on a machine without an NPU comes last on
# LD_LIBRARY_PATH (devlib); the driver that the host mounts comes first.
ENV CANN_VERSION=${CANN_VERSION} \
    ASCEND_TOOLKIT_HOME=/usr/local/Ascend/cann \
    ASCEND_HOME_PATH=/usr/local/Ascend/cann \
    ASCEND_AICPU_PATH=/usr/local/Ascend/cann \
    ASCEND_OPP_PATH=/usr/local/Ascend/cann/opp \
    ATB_HOME_PATH=/usr/local/Ascend/nnal/atb/latest/atb/cxx_abi_${CXX_ABI} \
    PATH=/usr/local/Ascend/cann/bin:/usr/local/Ascend/cann/tools/ccec_compiler/bin:${PATH} \
    PYTHONPATH=/usr/local/Ascend/cann/python/site-packages:/usr/local/Ascend/cann/opp/built-in/op_impl/ai_core/tbe \
    LD_LIBRARY_PATH=/usr/local/Ascend/driver/lib64:/usr/local/Ascend/driver/lib64/common:/usr/local/Ascend/driver/lib64/driver:/usr/local/Ascend/nnal/atb/latest/atb/cxx_abi_${CXX_ABI}/lib:/usr/local/Ascend/cann/lib64:/usr/local/Ascend/cann/lib64/plugin/opskernel:/usr/local/Ascend/cann/lib64/plugin/nnengine:/usr/local/Ascend/cann/devlib

RUN --package=cann-toolkit \
    bash "$PACKAGES"/Ascend-cann-toolkit_*.run --quiet --install --install-for-all \
 && rm -rf /var/log/ascend* /root/ascend

RUN --package=cann-ops \
    bash "$PACKAGES"/Ascend-cann-*-ops_*.run --quiet --install --install-for-all \
 && rm -rf /var/log/ascend* /root/ascend

# nnal asks for the toolkit's own environment.
RUN --package=cann-nnal \
    export PACKAGES && bash -c '. /usr/local/Ascend/ascend-toolkit/set_env.sh \
     && bash "$PACKAGES"/Ascend-cann-nnal_*.run --quiet --install' \
 && rm -rf /var/log/ascend* /root/ascend
