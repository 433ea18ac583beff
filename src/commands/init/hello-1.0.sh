#!/bin/sh
# A package as small as can be: it installs a program that greets.
set -e
mkdir -p /opt
printf '#!/bin/sh\necho "%s from a verified package"\n' "$1" > /opt/hello
chmod 755 /opt/hello
