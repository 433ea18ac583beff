FROM openeuler/openeuler:22.03-lts-sp4
ARG PY_VERSION=3.11.9
ARG MS=2.4.1
RUN yum install -y wget gcc gcc-c++ make && yum clean all
RUN cd /tmp && wget http://172.17.0.1:3000/Python-${PY_VERSION}.tgz && tar zxf Python-${PY_VERSION}.tgz && \
    cd Python-${PY_VERSION} && ./configure --prefix=/usr/local/python${PY_VERSION%.*} && make -j && make install && \
    cd .. && rm -rf Python-*
ENV PATH=/usr/local/python${PY_VERSION%.*}/bin:$PATH
RUN pip3 install --no-cache-dir http://172.17.0.1:3000/mindspore-${MS}-cp311-cp311-linux_aarch64.whl
RUN groupadd -g 1000 HwHiAiUser && useradd -u 1000 -g HwHiAiUser -m HwHiAiUser
USER HwHiAiUser
