# Instructions of the stage `base`, without FROM: stages.toml says what it starts from.
# `RUN --package` needs one of wget, curl and python3 in the image.
RUN command -v wget || command -v curl || command -v python3 \
 || { apt-get update && apt-get install -y --no-install-recommends wget && rm -rf /var/lib/apt/lists/*; }
