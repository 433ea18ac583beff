FROM ubuntu:22.04
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
RUN curl -sSL http://172.17.0.1:3000/tool.tar.gz | tar -xz -C /opt
RUN sh /opt/install.run | tee /tmp/log
SHELL ["python3", "-c"]
RUN import urllib.request; urllib.request.urlretrieve('http://172.17.0.1:3000/data.zip', '/tmp/d.zip')
SHELL ["/bin/sh", "-c"]
RUN sh /opt/second.run | tee /tmp/log
