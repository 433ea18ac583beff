from ubuntu:22.04 as Base
arg version=1.2
env app_version=$version
run wget http://172.17.0.1:3000/app-$app_version.tar.gz -O /tmp/app.tgz && tar xf /tmp/app.tgz && rm /tmp/app.tgz
from BASE as run
copy --from=bAsE /app /app
entrypoint ["/app/run"]
