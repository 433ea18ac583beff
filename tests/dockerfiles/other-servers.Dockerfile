# Names of the host, and what may be somebody else's server.
ARG MIRROR=files.example.com:8080
FROM ubuntu:22.04 AS host
RUN wget -q http://host.docker.internal:3000/install_cann.sh && sh install_cann.sh && rm install_cann.sh
RUN curl -fsSO http://host.containers.internal:3000/install_pta.sh && sh install_pta.sh && rm install_pta.sh

FROM host AS mirror
ARG MIRROR
RUN wget -q http://${MIRROR}/Ascend-mindie.run && sh Ascend-mindie.run && rm Ascend-mindie.run
RUN pip install --no-cache-dir -i http://10.1.2.3:8081/simple numpy
