FROM ubuntu:22.04
ENV NAME="two words" PLAIN=one QUOTED='$PLAIN' ESCAPED=\$PLAIN MIXED="a'b"'c"d'
ARG LIST="http://172.17.0.1:3000/a.whl http://172.17.0.1:3000/b.whl"
RUN wget $LIST
RUN wget "http://172.17.0.1:3000/$PLAIN.run" 'http://172.17.0.1:3000/$PLAIN.run' http://172.17.0.1:3000/\$PLAIN.run http://172.17.0.1:3000/"$PLAIN"'.txt'
RUN wget http://172.17.0.1:3000/${QUOTED}/${ESCAPED}
RUN ["wget", "http://172.17.0.1:3000/$PLAIN.run"]
RUN ["/bin/sh", "-c", "wget http://172.17.0.1:3000/json-$PLAIN.run"]
RUN bash -c 'wget http://172.17.0.1:3000/inner-$PLAIN.run && rm *.run'
RUN bash -c "wget http://172.17.0.1:3000/outer-$PLAIN.run"
RUN echo "see http://172.17.0.1:3000/readme" && echo http://172.17.0.1:3000/list >> /etc/list
