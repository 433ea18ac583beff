FROM ubuntu:22.04
RUN sudo -E wget http://172.17.0.1:3000/sudo.run && rm sudo.run
RUN env http_proxy= wget http://172.17.0.1:3000/env.run && rm env.run
RUN timeout 600 /usr/bin/wget -T 30 -t 3 http://172.17.0.1:3000/timeout.run && rm timeout.run
RUN git clone http://172.17.0.1:3000/repo.git
RUN npm install --registry http://172.17.0.1:3000/npm
RUN ./download.sh http://172.17.0.1:3000/x
RUN cat > /etc/pip.conf <<CONF
[global]
index-url = http://172.17.0.1:3000/simple
CONF
RUN wget -i http://172.17.0.1:3000/list.txt
RUN wget -r -np http://172.17.0.1:3000/wheels/
RUN wget http://172.17.0.1:3000/
RUN f=$(basename http://172.17.0.1:3000/named.run) && dirname http://172.17.0.1:3000/x/named.run > /folder
