# `--package` puts the package into the folder $PACKAGES for this one instruction: it is verified,
# served to this build alone, and never stays in the image. A changed file is a changed layer.
RUN --package=hello sh "$PACKAGES"/hello-1.0.sh "$GREETING"
