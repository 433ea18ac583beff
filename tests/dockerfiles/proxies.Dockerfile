#: build-arg http_proxy=http://10.1.1.1:3128
#: build-arg no_proxy=172.17.0.1
FROM ubuntu:22.04
ENV https_proxy=http://10.1.1.1:3128 NO_PROXY=172.17.0.1
ENV SERVER=http://172.17.0.1:3000
RUN echo $http_proxy && wget $SERVER/a.run && rm a.run
ENV http_proxy=
