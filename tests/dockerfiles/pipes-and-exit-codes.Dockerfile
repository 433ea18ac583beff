FROM ubuntu:22.04
RUN wget http://172.17.0.1:3000/a.run && yes | sh a.run --install && rm a.run
RUN wget http://172.17.0.1:3000/b.run && sh b.run --install 2>&1 | tee /var/log/install.log
RUN set -o pipefail && sh c.run --install | tail -1
RUN sh d.run --install; rm d.run
RUN set -e; sh e.run --install; rm e.run
RUN sh f.run --install || echo failed
RUN sh g.run --install || exit 1
RUN pip install --no-cache-dir x; exit 0
RUN sh h.run &
RUN <<EOF
sh i.run --install
echo done
EOF
RUN bash -c "sh a.run --install; echo installed"
RUN bash -ec "sh b.run --install; echo installed"
RUN bash -c "source /etc/profile && sh c.run --install" || true
RUN bash -lc 'set -e; sh d.run; echo done' && bash -c "sh e.run && echo done"
RUN ["/bin/bash", "-c", "bash -c 'sh f.run | tee log'"]
