FROM ubuntu:22.04 AS win
RUN echo a \
 && wget http://172.17.0.1:3000/win.run \
 # comment
 && rm win.run
COPY --from=win /a /b
