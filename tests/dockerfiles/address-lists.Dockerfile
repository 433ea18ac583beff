# Files of addresses: what they hold, only the run knows, but for heredocs.
FROM ubuntu:22.04
ARG U=http://172.17.0.1:3000
RUN wget -i /list.txt && wget -q --input-file=/list.txt -P /x && aria2c -i /list.txt
RUN wget -B $U/sub/ -qi/list.txt && wget --base http://172.17.0.1:3000/sub/ -i - <<E
a.sh
E
RUN wget --input-file=- <<E
http://172.17.0.1:3000/b.sh
E
RUN wget -i - <<E
$U/c.sh
E
RUN wget -qi $U/list.txt --output-document /x
RUN wget -i https://elsewhere.example/list.txt
RUN curl -i $U/no-list.txt
