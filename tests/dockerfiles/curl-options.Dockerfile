FROM ubuntu:22.04
RUN curl -fsSL -o /tmp/a.run http://172.17.0.1:3000/a.run && sh /tmp/a.run && rm -f /tmp/a.run
RUN curl --proxy http://10.0.0.9:3128 -e http://172.17.0.1:3000/page -O http://172.17.0.1:3000/b.run
RUN curl --retry 5 --retry-delay 2 -H "Referer: http://172.17.0.1:3000/" --url http://172.17.0.1:3000/c.zip --output c.zip
RUN curl -O "http://172.17.0.1:3000/part[1-3].bin"
RUN curl -s http://127.0.0.1:3000/health
RUN curl -sL https://172.17.0.1:3000/tls.run
RUN curl 172.17.0.1:3000/plain.tar.gz | tar xz
RUN aria2c -x 8 -s 8 -d /tmp http://172.17.0.1:3000/big.run
