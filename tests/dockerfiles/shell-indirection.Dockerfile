# What shells hide: substitutions, hosts found at run time, loops, prefixes, folders.
FROM ubuntu:22.04 AS substitutions
ARG U=http://172.17.0.1:3000
RUN sh -c "$(wget -qO- $U/install.sh)"
RUN V=$(wget -qO- $U/version.txt) && echo "$(curl -fsS $U/banner.txt)" > /v && eval "$(wget -qO- $U/env.sh)"
RUN V=`wget -qO- $U/back.txt` && wget -q $U/after-$V.run
RUN echo "$(echo "$(wget -qO- $U/deep.txt)")" || true

FROM ubuntu:22.04 AS hosts
RUN GW=$(ip route | awk '/default/{print $3}') && wget -q http://$GW:3000/a.sh
RUN wget -q http://$(hostname -I):3000/b.sh
RUN wget -q "http://${GW:-172.17.0.1}:3000/c.sh"
RUN wget -q -i - <<E
http://172.17.0.1:3000/list-1.sh
http://172.17.0.1:3000/list-2.sh
E

FROM ubuntu:22.04 AS values
ARG U=http://172.17.0.1:3000
RUN VER=1; printf -v VER 8.5; wget -q $U/a-$VER.sh
RUN VER=1; let VER=8; wget -q $U/b-$VER.sh
RUN VER=1; ((VER++)); wget -q $U/c-$VER.sh
RUN : "${VER:=8.5}"; wget -q $U/d-$VER.sh
RUN VER=1; export $(echo VER=8.5); wget -q $U/e-$VER.sh
RUN env VER=8.5 sh -c "wget -q $U/f-\$VER.sh"
RUN VER=1; read VER < /etc/version; wget -q $U/g-$VER.sh

FROM ubuntu:22.04 AS loops
ARG U=http://172.17.0.1:3000
RUN for f in a.sh "b c.sh"; do wget -q "$U/$f"; done
RUN for v in 1 2; do for a in arm x86; do curl -fsSO $U/$v-$a.sh; done; done
RUN for f in d.sh e.sh; do wget -q $U/$f && break; done
RUN for f in *.txt; do wget -q $U/$f; done
RUN curl -fsSO "$U/{f.sh,g.sh}" && curl -fsSO $U/{h,i}.sh && curl -fsSO "$U/j[1-3].sh"

FROM ubuntu:22.04 AS prefixes
ARG U=http://172.17.0.1:3000
RUN timeout -k 5 60 wget -q $U/a.sh; busybox wget -q $U/b.sh; stdbuf -oL wget -q $U/c.sh
RUN nice -n 5 wget -q $U/d.sh; retry 3 wget -q $U/e.sh; sudo -u root env -u X A=b wget -q $U/f.sh

FROM ubuntu:22.04 AS folders
ARG U=http://172.17.0.1:3000
RUN wget -q $U/sub/r.sh; wget -q $U//s.sh; wget -q "$U/a%20b/../c/./t.sh"
ADD $U/910b/kernels.bin $U/310p/kernels.bin /opt/

FROM ubuntu:22.04 AS alternatives
ARG U=http://172.17.0.1:3000
RUN wget -q $U/a.sh || wget -q $U/b.sh
RUN wget -q $U/c.sh || exit 1
RUN wget -q $U/d.sh && sh d.sh || { echo failed; exit 1; }
RUN wget -q $U/e.sh || wget -q -t 3 $U/e.sh
RUN wget -q $U/f.sh && sh f.sh || true
RUN for f in g h; do wget -q $U/$f.sh || exit 1; done
