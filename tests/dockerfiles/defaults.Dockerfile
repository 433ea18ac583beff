# Defaults of arguments that nothing gives a value hold; of what else the base image may set, only the run knows.
FROM ubuntu:22.04
ARG SRV
ARG V HOSTNAME
RUN wget -q ${SRV:-http://172.17.0.1:3000}/a-${V-8.5}.sh
RUN wget -q http://172.17.0.1:3000/b-${V:=8.5}.sh && wget -q http://172.17.0.1:3000/c-$V.sh
RUN wget -q http://172.17.0.1:3000/d-${V:-}.sh
RUN V=$(id); wget -q http://172.17.0.1:3000/e-${V:-8.5}.sh
RUN wget -q http://172.17.0.1:3000/f-${UNDECLARED:-8.5}.sh
RUN wget -q http://172.17.0.1:3000/g-$V.sh http://172.17.0.1:3000/h-${V:-$UNDECLARED}.sh
RUN sh -c 'wget -q ${SRV:-http://172.17.0.1:3000}/i.sh'
RUN wget -q http://172.17.0.1:3000/j-${HOSTNAME:-host}.sh
