FROM ubuntu:22.04
RUN apt-get update \
    # compilers
 && apt-get install -y \
      # wanted by CANN
      gcc g++ \

      # wanted by everybody
      wget \
 && wget http://172.17.0.1:3000/a.run \
# not even indented
 && rm a.run \
 && rm -rf /var/lib/apt/lists/*
