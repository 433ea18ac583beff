#: build-arg SERVER=192.168.7.5:8099
#: build-arg MIRROR=http://mirrors.example.com/pypi
ARG SERVER
FROM ubuntu:22.04
ARG SERVER
ARG MIRROR
ARG HOST_IP
RUN wget http://${SERVER}/cann.run
RUN pip install --no-cache-dir -i $MIRROR/simple numpy
RUN wget http://$HOST_IP:8099/late.run
RUN wget http://$(ip route | awk '/default/{print $3}'):8099/routed.run
RUN wget $UNSET_ADDRESS
RUN wget https://example.com/$(date).txt
#: there cann.run
