FROM ubuntu:22.04
RUN wget http://172.17.0.1:3000/bom.run && rm bom.run \