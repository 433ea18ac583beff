# System and Python. A Debian or Ubuntu base; what it has already is not installed again.
ENV LANG=C.UTF-8

ARG APT_EXTRA=""
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        ca-certificates libgomp1 libnuma1 net-tools pciutils python3 python3-pip $APT_EXTRA \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/ldconfig/* /var/log/apt /var/log/*.log

# The user and the group that own the NPU driver on the host; the numbers must be the same there.
RUN groupadd --gid 1000 HwHiAiUser \
 && useradd --uid 1000 --gid 1000 --create-home --shell /bin/bash HwHiAiUser
