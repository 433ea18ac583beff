# What `xargs` puts in the place of its mark, only the run knows.
FROM ubuntu:22.04
ARG U=http://172.17.0.1:3000
RUN echo toolkit nnal | xargs -n1 -I{} wget -q http://172.17.0.1:3000/Ascend-cann-{}_8.5.0.run
RUN ls /parts | xargs -0I % sh -c 'wget -q $U/%.sh && curl -fsSO $U/known.sh'
RUN cat /parts | xargs --replace curl -fsSO $U/{}
RUN cat /hosts | xargs -i wget -q http://{}:3000/by-host.sh
RUN cat /addresses | xargs -I ADDRESS wget -q ADDRESS
RUN cat /parts | xargs -n1 wget -q $U/known.sh
