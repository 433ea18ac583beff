FROM ubuntu:22.04
ARG TARGETARCH
RUN if [ "$TARGETARCH" = "arm64" ]; then \
      wget http://172.17.0.1:3000/a-aarch64.run; \
    else \
      wget http://172.17.0.1:3000/a-x86_64.run; \
    fi
RUN case "$TARGETARCH" in \
      arm64) A=aarch64 ;; \
      amd64|x86_64) A=x86_64 ;; \
    esac && wget http://172.17.0.1:3000/b-$A.run
RUN A=$(uname -m) && wget http://172.17.0.1:3000/c-${A}.run
RUN wget http://172.17.0.1:3000/d-`arch`.run
RUN wget http://172.17.0.1:3000/e.run || curl -O http://172.17.0.1:3000/mirror/e.run
RUN [ -f /tmp/x ] && wget http://172.17.0.1:3000/f.run
RUN fetch() { wget "http://172.17.0.1:3000/$1"; }; fetch g.run; fetch h.run
RUN V=1.0; (V=2.0; wget http://172.17.0.1:3000/i-$V.run); while read l; do wget "http://172.17.0.1:3000/$l"; done < list
RUN N=1; for i in 1 2; do N=$i; done; wget http://172.17.0.1:3000/j-$N.run
RUN . /usr/local/Ascend/set_env.sh && wget http://172.17.0.1:3000/k-$TARGETARCH.run
RUN V=3 && export W=x-$V && wget http://172.17.0.1:3000/l-$W.run && V=4 wget http://172.17.0.1:3000/m-$V.run
RUN wget http://172.17.0.1:3000/n-{1,2}.run
RUN if [ "$TARGETARCH" = amd64 ]; then P=x86; elif [ "$TARGETARCH" = "arm64" ]; then P=arm; else P=other; fi; \
    wget http://172.17.0.1:3000/o-$P.run
RUN case "$(uname -m)" in aarch64) wget http://172.17.0.1:3000/p-1.run ;; *) wget http://172.17.0.1:3000/p-2.run ;; esac
RUN if [ -f /etc/x ]; then Q=1; elif [ a = a ]; then Q=2; fi; wget http://172.17.0.1:3000/q-$Q.run
RUN if ! [ "$TARGETARCH" != arm64 ] && true; then R=1; else R=2; fi; wget http://172.17.0.1:3000/r-$R.run
RUN if ! [ "$TARGETARCH" != arm64 ]; then S=1; else S=2; fi; wget http://172.17.0.1:3000/s-$S.run
RUN case $TARGETARCH in "arm"*) T=1 ;; amd*|arm*) T=2 ;; esac; wget http://172.17.0.1:3000/t-$T.run
RUN for i in 1; do if [ $TARGETARCH = arm64 ]; then wget http://172.17.0.1:3000/u.run; else wget http://172.17.0.1:3000/v.run; fi; done
# What a round assigns is known in that round and the next ones, and not behind the loop.
RUN for part in toolkit nnal; do FILE=loop-$part.run; wget http://172.17.0.1:3000/$FILE; sh $FILE; rm $FILE; done
RUN S=; for part in a b; do if [ $part = b ]; then S=-last; fi; wget http://172.17.0.1:3000/round-$part$S.run; done
RUN V=first; for part in a b; do wget http://172.17.0.1:3000/next-$V.run; V=$part; done; wget http://172.17.0.1:3000/behind-$V.run
RUN for a in 1 2; do for b in x y; do N=$a$b; wget http://172.17.0.1:3000/$N.run; done; done
RUN for part in a b; do cd $(mktemp -d) && wget http://172.17.0.1:3000/deb-$part-`dpkg --print-architecture`.deb; done
