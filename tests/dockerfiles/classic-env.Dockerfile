FROM ubuntu:22.04
ENV one 1 and a half
ENV two=2 three="$two and 3" four=four\ words
ENV five ${one} "quoted" six=6
ARG six=7
ENV seven=${six:-none} eight=${nine:+set} ten=${six:?unset}
ENV abc=hello
ENV abc=bye def=$abc
ENV ghi=$abc
EXPOSE 80/tcp
VOLUME ["/data"]
MAINTAINER nobody
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5m CMD curl -f http://172.17.0.1:3000/ || exit 1
RUN wget http://172.17.0.1:3000/$def/$ghi/$eight/$seven
